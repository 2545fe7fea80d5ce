import type { Actor } from '../domain/caller.ts';
import type { ConnectionSettings } from '../domain/connection.ts';
import type { Secret } from '../domain/secret.ts';
import type { ConnectionView } from './connection-view.ts';

export interface ConnectionEdit {
  /** What the settings become; runs inside the transaction, on the row it holds. Scopes null: the template's defaults. */
  apply: (current: ConnectionSettings) => Omit<ConnectionSettings, 'scopes'> & { scopes: string[] | null };
  /** Undefined keeps the secret, null removes it. */
  clientSecret: Secret | null | undefined;
  /** Revisions an If-Match header accepts; undefined where there was none, `*` for any. */
  ifMatch: readonly string[] | '*' | undefined;
}

/**
 * Throws connection_not_found, precondition_failed, invalid_request, client_secret_required. Never touches a global
 * connection from an organisation.
 */
export type EditConnection = (actor: Actor, name: string, edit: ConnectionEdit) => Promise<ConnectionView>;
