import type { Column } from './columns.ts';
import { type Style, styleFor } from './style.ts';

export type OutputFormat = 'people' | 'json' | 'ndjson';

/** Prints what a command found. Data goes to stdout and words go to stderr, so that a pipe carries data only. */
export interface Output {
  readonly format: OutputFormat;
  /** Colours words on stderr, if that is a terminal. */
  readonly style: Style;
  /** Colours data on stdout, if that is a terminal. */
  readonly dataStyle: Style;
  /** A list: aligned columns, one document `{[name]: items, …members}`, or a line an item. */
  list<Item>(list: {
    /** Member of the document, as in the API. */
    name: string;
    items: readonly Item[];
    columns: readonly Column<Item>[];
    /** Further members of the document. */
    members?: Readonly<Record<string, unknown>> | undefined;
    /** Words for a person if there is no item. */
    empty?: string | undefined;
  }): Promise<void>;
  /** One value: facts for a person, one document, or one line. */
  document(value: unknown, facts: readonly (readonly [name: string, value: unknown])[]): Promise<void>;
  /** One item of a stream: a line for a person, or a line of JSON. */
  item(value: unknown, text: string): void;
  /** Writes a text to stdout as it is: a token, a script, a file. */
  raw(text: string): void;
  /** Words on stderr. */
  say(text: string): void;
  warn(text: string): void;
}

export interface OutputStream {
  write(text: string): unknown;
  isTTY?: boolean;
}

export interface OutputFlags {
  json?: boolean | undefined;
  ndjson?: boolean | undefined;
  color?: boolean | undefined;
}

/** `flags` is called for each use: they are known only after the arguments are parsed. */
export function createOutput(
  streams: { stdout: OutputStream; stderr: OutputStream },
  environment: Readonly<Record<string, string | undefined>>,
  flags: () => OutputFlags,
): Output {
  const { stdout, stderr } = streams;
  const formatOf = (): OutputFormat => (flags().ndjson ? 'ndjson' : flags().json ? 'json' : 'people');
  const styleOf = (stream: OutputStream): Style => styleFor(stream, environment, flags().color !== false);
  const print = (lines: readonly string[]) => lines.length > 0 && stdout.write(`${lines.join('\n')}\n`);
  const say = (text: string) => void stderr.write(`${text}\n`);
  return {
    get format() {
      return formatOf();
    },
    get style() {
      return styleOf(stderr);
    },
    get dataStyle() {
      return styleOf(stdout);
    },
    async list({ name, items, columns, members = {}, empty = `No ${name}.` }) {
      const format = formatOf();
      if (format === 'json') print([JSON.stringify({ [name]: items, ...members }, null, 2)]);
      else if (format === 'ndjson') print(items.map((item) => JSON.stringify(item)));
      else if (items.length === 0) say(empty);
      else {
        const { tableLines } = await import('./columns.ts');
        print(tableLines(items, columns, styleOf(stdout)));
      }
    },
    async document(value, facts) {
      const format = formatOf();
      if (format !== 'people') return void print([JSON.stringify(value, null, format === 'json' ? 2 : undefined)]);
      const { factLines } = await import('./columns.ts');
      print(factLines(facts, styleOf(stdout)));
    },
    item: (value, text) => void print([formatOf() === 'people' ? text : JSON.stringify(value)]),
    raw: (text) => void stdout.write(text),
    say,
    warn: (text) => say(`${styleOf(stderr)('yellow', 'warning:')} ${text}`),
  };
}
