import { styleText } from 'node:util';

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Style = (format: Format, text: string) => string;

export const plainStyle: Style = (_format, text) => text;

/** Decides about colour: on a terminal only, unless --no-color, NO_COLOR or a terminal without abilities say no. */
export function styleFor(
  stream: { isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
  isWanted: boolean,
): Style {
  const { NO_COLOR: noColour = '', TERM: terminal } = environment;
  if (stream.isTTY !== true || !isWanted || noColour !== '' || terminal === 'dumb') return plainStyle;
  return (format, text) => styleText(format, text, { validateStream: false });
}
