import { isUtf8 } from 'node:buffer';
import type { Refusal, SourceLine } from './source-line.ts';

/** Maximum bytes of a line: the limit of the API. It bounds the memory of a file without line ends. */
const maxLineBytes = 256 * 1024;
const newline = 0x0a;

/** Reads the lines that each chunk completes. Holds one chunk and one line. Blank lines count and are left out. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<SourceLine[]> {
  let line = 1;
  let pieces: Buffer[] = [];
  let length = 0;

  const take = (piece: Buffer) => {
    length += piece.length;
    if (length > maxLineBytes) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  const end = (): SourceLine[] => {
    const content = length > maxLineBytes ? tooLong : contentOf(Buffer.concat(pieces));
    const number = line++;
    pieces = [];
    length = 0;
    return content === '' ? [] : [{ line: number, content }];
  };

  for await (const chunk of chunks) {
    const lines: SourceLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      take(chunk.subarray(from, at));
      lines.push(...end());
      from = at + 1;
    }
    take(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  const last = length > 0 ? end() : [];
  if (last.length > 0) yield last;
}

const tooLong = refuse('payload_too_large', `is over ${maxLineBytes} bytes`);

/** A wrong byte would otherwise become a replacement character, and a subject another subject. */
function contentOf(bytes: Buffer): string | Refusal {
  return isUtf8(bytes) ? bytes.toString('utf8').trim() : refuse('invalid_request', 'is not valid UTF-8');
}

export function refuse(code: string, message: string, path = 'body'): Refusal {
  return { code, errors: [{ path, message }] };
}
