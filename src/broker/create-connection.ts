import type { Actor } from '../domain/caller.ts';
import type { ConnectionSettings } from '../domain/connection.ts';
import type { Secret } from '../domain/secret.ts';
import type { ConnectionView } from './connection-view.ts';

export interface NewConnection {
  name: string;
  clientSecret: Secret | null;
  /** Scopes null: the template's defaults. */
  settings: Omit<ConnectionSettings, 'scopes'> & { scopes: string[] | null };
}

/** Throws invalid_request, connection_exists. A client_credentials connection fetches its first token before this answers. */
export type CreateConnection = (actor: Actor, input: NewConnection) => Promise<ConnectionView>;
