import type { Connection } from '../domain/connections/connection.ts';
import { invalidRequest } from '../domain/errors.ts';

/** Returns a strong entity tag of the configuration. Refreshes and status changes do not change it. */
export function etagOf({ id, revision }: Pick<Connection, 'id' | 'revision'>): string {
  return `"${id}-${revision}"`;
}

/** Entity tags with commas and white space between them (RFC 9110 §8.8.3). */
const tagList = /^(?:[ \t,]|(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*$/;

/** Suffix that some proxies write into the tag of a response that they compress: `"x-gzip"`, `"x--br"`. */
const codingSuffix = /(?:--?|;)(?:gzip|br|zstd|deflate)$/;

/**
 * Parses the entity tags of an If-Match header, without quotes. A weak tag counts as a strong one, against RFC 9110
 * §13.1.1: a proxy weakens the tag when it compresses a response, and the tag still names the same configuration.
 * Throws invalid_request for a header without a tag.
 */
export function parseIfMatch(header: string | undefined): string[] | '*' | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  const tags = tagList.test(header) ? [...header.matchAll(/"([^"]*)"/g)] : [];
  if (tags.length === 0)
    throw invalidRequest({ path: 'header.If-Match', message: 'must hold entity tags in double quotes, or *' });
  return tags.map(([, tag = '']) => tag.replace(codingSuffix, ''));
}

/**
 * Returns the revisions among the tags that belong to this connection. The id is compared too: a later connection of the
 * same name counts its revisions from the start.
 */
export function revisionsFor(tags: readonly string[], connectionId: string): string[] {
  const prefix = `${connectionId}-`;
  return tags.filter((tag) => tag.startsWith(prefix)).map((tag) => tag.slice(prefix.length));
}
