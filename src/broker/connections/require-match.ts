import type { Connection } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';

/** Revisions that the If-Match header accepts; `*` accepts any, undefined means there was no header. */
export type IfMatch = readonly string[] | '*' | undefined;

/** Refuses a write that is based on another revision of the locked row. Throws precondition_failed. */
export function requireMatch({ revision }: Connection, ifMatch: IfMatch): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch.includes(String(revision))) return;
  throw BrokerError.of('precondition_failed', 'The connection has changed since; read it again.');
}
