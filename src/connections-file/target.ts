/** A connection of the scope that the file is applied to. Members are named as in the API. */
export interface CurrentConnection {
  connection_name: string;
  managed_by: string | null;
  drifted: boolean;
}

/** Body of the API for one connection of the file, with `managed_by` and the secrets filled in. */
export type ConnectionBody = Readonly<Record<string, unknown>>;

export type Call =
  | { action: 'create'; name: string; body: ConnectionBody }
  | { action: 'change'; name: string; body: ConnectionBody }
  | { action: 'delete'; name: string };

export type Change =
  | { field: string; from: unknown; to: unknown }
  | { field: 'client_secret'; changed: true; fingerprint: string | null };

/** Effects on other rows, as a dry run of the API reports them. */
export interface Effects {
  grants_disconnected: number;
  organizations_disconnected: number;
  authorizations_voided: number;
  workflows_disabled: number;
  revoked_at_provider: boolean;
  client_secret_required: boolean;
}

export interface Preview {
  changes: readonly Change[];
  effects: Effects;
  warnings: readonly { code: string; message: string }[];
}

/** Problem of the API that says something about the call. Anything else, such as a lost server, is thrown. */
export interface Refusal {
  code: string;
  message: string;
  errors: readonly { path: string; message: string }[];
}

/** The connections of one organisation or of the global scope: the API, or the use cases behind it. */
export interface ConnectionsTarget {
  /** Lists the connections that the scope owns. */
  list(): Promise<CurrentConnection[]>;
  /** Performs a dry run. `etag` is the version that the preview was made on; null for a new connection. */
  preview(call: Call): Promise<{ preview: Preview; etag: string | null } | { refusal: Refusal }>;
  /** Performs the call in one transaction. With an ETag, only if the connection still has that version. */
  perform(call: Call, etag: string | null, isConfirmed: boolean): Promise<{ refusal: Refusal | null }>;
}
