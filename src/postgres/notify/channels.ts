/** Names of the NOTIFY channels. Payloads are JSON without secrets, below Postgres' limit of 8000 bytes. */
export const channels = {
  /** The tokens, status or lease of a grant changed, or the grant was created or deleted. */
  grantChanged: 'grant_changed',
  /** A connection was created, edited or deleted with its grants. Carries the name, because one connection may hide another. */
  connectionChanged: 'connection_changed',
  /** An API key was revoked. */
  apiKeyChanged: 'api_key_changed',
  /** A workflow was disabled or enabled. */
  workflowChanged: 'workflow_changed',
  /** A data key was introduced, took over the sealing or was removed, or a process holds other keys. */
  keysChanged: 'keys_changed',
} as const;
export type Channel = (typeof channels)[keyof typeof channels];

export interface GrantChanged {
  grant_id: string;
  connection_id: string;
  organization_id: string | null;
  /** With connection and organisation, identifies the fetches that a new or deleted grant affects. */
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

export interface WorkflowChanged {
  organization_id: string | null;
  /** Null: any workflow of any organisation may have changed. */
  workflow_id: string | null;
}

/** Empty: the tables say what changed. */
export type KeysChanged = Record<never, never>;

export interface Notifications {
  grant_changed: GrantChanged;
  connection_changed: ConnectionChanged;
  api_key_changed: ApiKeyChanged;
  workflow_changed: WorkflowChanged;
  keys_changed: KeysChanged;
}

/** Passes a notification to the subscribers in this process. */
export type NotifyLocally = <C extends Channel>(channel: C, payload: Notifications[C]) => void;
