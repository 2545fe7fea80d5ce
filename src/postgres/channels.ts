/** Names of NOTIFY channels. Payloads are JSON, below Postgres' limit of 8000 bytes, and hold no secret. */
export const channels = {
  /** Tokens, status or lease of a grant moved, or the grant came or went. */
  grantChanged: 'grant_changed',
  /** A connection was created, edited or deleted, with everything below it; by name too, since one may hide another. */
  connectionChanged: 'connection_changed',
  apiKeyChanged: 'api_key_changed',
} as const;
export type Channel = (typeof channels)[keyof typeof channels];

export interface GrantChanged {
  grant_id: string;
  connection_id: string;
  organization_id: string | null;
  /** With the two above: whose answers a grant that comes or goes may change, also where it was not among them. */
  subject: string | null;
}

export interface ConnectionChanged {
  connection_id: string;
  organization_id: string | null;
  connection_name: string;
}

export interface ApiKeyChanged {
  api_key_id: string;
}

export interface Notifications {
  grant_changed: GrantChanged;
  connection_changed: ConnectionChanged;
  api_key_changed: ApiKeyChanged;
}

/** Hands a notification to this process's own subscribers. */
export type Deliver = <C extends Channel>(channel: C, payload: Notifications[C]) => void;
