import type { Connection } from '../domain/connection.ts';

/** A strong validator of the configuration: refreshes and status changes leave it alone. */
export function etagOf({ id, revision }: Pick<Connection, 'id' | 'revision'>): string {
  return `"${id}-${revision}"`;
}

/** The strong entity tags of an If-Match header, without their quotes; RFC 9110 §13.1.1: weak ones never match. */
export function parseIfMatch(header: string | undefined): string[] | '*' | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return [...header.matchAll(/(W\/)?"([\x21\x23-\x7e]*)"/g)]
    .filter(([, weak]) => weak === undefined)
    .map(([, , tag]) => tag ?? '');
}

/** Of the tags, the revisions of this very connection: one of the same name made later starts counting anew. */
export function revisionsFor(tags: readonly string[], connectionId: string): string[] {
  const prefix = `${connectionId}-`;
  return tags.filter((tag) => tag.startsWith(prefix)).map((tag) => tag.slice(prefix.length));
}
