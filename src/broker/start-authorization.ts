import type { Actor } from '../domain/caller.ts';

export interface AuthorizationStart {
  subject: string | null;
  accountId: string | null;
  allowAccountChange: boolean;
  /** Asked for in addition to the connection's own (incremental consent); null asks for the connection's own. */
  scopes: string[] | null;
  returnUrl: string | null;
  loginHint: string | null;
  prompt: string | null;
}

export interface StartedAuthorization {
  /** The broker's own link, to be opened in a browser. */
  authorizationUrl: string;
  state: string;
  expiresAt: Date;
}

/** Throws connection_not_found, flow_not_interactive, invalid_request (return_url not allowed). */
export type StartAuthorization = (actor: Actor, name: string, start: AuthorizationStart) => Promise<StartedAuthorization>;
