import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { fillIn, holdsPlaceholder, type SecretSources } from './placeholders.ts';
import { findOffset } from './position.ts';

/** Counted from 1. */
export interface Position {
  line: number;
  column: number;
}

export interface FileFault extends Position {
  message: string;
}

/** One connection of the file. */
export interface DeclaredConnection {
  name: string;
  /** Fields as the API takes them, with the secrets filled in. */
  fields: Readonly<Record<string, unknown>>;
  /** Position of a field, by its dotted path in an error of the API; of the connection if the file has no such field. */
  positionOf(path: string): Position;
}

/** Returns the faults of one connection's fields, by dotted paths. */
export type CheckFields = (fields: Readonly<Record<string, unknown>>) => readonly { path: string; message: string }[];

/** Secrets of a connection. Placeholders are filled in here and refused in every other field. */
const secretFields: readonly string[] = ['client_secret'];

/** Bounds the time that aliases of aliases can take. */
const maxAliases = 100;

/** Reads a file and lists every fault in it. No message repeats a value. */
export function readConnectionsFile(
  text: string,
  sources: SecretSources,
  check: CheckFields,
): { connections: DeclaredConnection[]; faults: FileFault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults: FileFault[] = [];
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const add = (offset: number, message: string) => void faults.push({ ...at(offset), message });
  for (const { pos, message } of [...document.errors, ...document.warnings]) add(pos[0], withoutValue(message));
  if (faults.length > 0) return { connections: [], faults: firstOfLines(faults) };
  const { contents } = document;
  if (!isSeq(contents)) {
    add(contents?.range?.[0] ?? 0, 'the file must be a list of connections');
    return { connections: [], faults };
  }
  const connections: DeclaredConnection[] = [];
  const lineOf = new Map<string, number>();
  for (const item of contents.items as Node[]) {
    const start = item.range?.[0] ?? 0;
    const fields = fieldsOf(document, item);
    if (fields === undefined || !isMap(item)) {
      const message = isMap(item) ? 'holds too many aliases' : 'must be a connection: fields and their values';
      add(start, message);
      continue;
    }
    const offsetOf = (path: string) => findOffset(item, path) ?? start;
    faults.push(...fillSecrets(item, fields, sources).map(({ path, message }) => ({ ...at(offsetOf(path)), message })));
    for (const { path, message } of checkAll(fields, check)) add(offsetOf(path), `${path} ${message}`);
    const name = typeof fields.connection_name === 'string' ? fields.connection_name : '';
    const earlier = name === '' ? undefined : lineOf.get(name);
    if (earlier !== undefined) add(offsetOf('connection_name'), `connection_name is that of line ${earlier} already`);
    else lineOf.set(name, at(start).line);
    connections.push({ name, fields, positionOf: (path) => at(offsetOf(path)) });
  }
  return { connections, faults: sorted(faults) };
}

export function sorted(faults: readonly FileFault[]): FileFault[] {
  return faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function fieldsOf(document: Document, item: Node): Record<string, unknown> | undefined {
  if (isAlias(item) || !isMap(item)) return undefined;
  try {
    return item.toJS(document, { maxAliasCount: maxAliases }) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

function checkAll(fields: Record<string, unknown>, check: CheckFields) {
  const { managed_by: owner, ...rest } = fields;
  const own = owner === undefined ? [] : [{ path: 'managed_by', message: 'is the name of the file: leave it out' }];
  return [...own, ...check(rest)];
}

interface FieldFault {
  path: string;
  message: string;
}

/** Replaces the placeholders of `fields`. Returns the faults of placeholders. */
function fillSecrets(item: Node, fields: Record<string, unknown>, sources: SecretSources): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const field of secretFields) {
    const written = fields[field];
    if (typeof written !== 'string') continue;
    const found = fillIn(written, sources);
    if ('value' in found) fields[field] = found.value;
    else {
      delete fields[field];
      faults.push({ path: field, message: `${field}: ${found.fault}` });
    }
  }
  if (!isMap(item)) return faults;
  for (const { key, value } of item.items) {
    const field = isScalar(key) ? String(key.value) : '';
    if (secretFields.includes(field) || value === null) continue;
    let isFound = false;
    visit(value as Node, {
      Scalar: (_, scalar) => {
        if (typeof scalar.value !== 'string' || !holdsPlaceholder(scalar.value)) return undefined;
        isFound = true;
        return visit.BREAK;
      },
    });
    const message = `${field} must not hold a placeholder: only client_secret is filled in`;
    if (isFound) faults.push({ path: field, message });
  }
  return faults;
}

/** Cuts off the token that the parser quotes: it may be a secret. */
function withoutValue(message: string): string {
  return message
    .replace(/: ".*$/s, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** One mistake in the syntax of a line has several errors of the parser, of which the first says most. */
function firstOfLines(faults: readonly FileFault[]): FileFault[] {
  return sorted(faults).filter(({ line }, at, all) => line !== all[at - 1]?.line);
}
