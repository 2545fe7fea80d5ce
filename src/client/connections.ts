import type { ApiRequest } from './transport/create-request.ts';
import { pathOf } from './transport/request-url.ts';
import type { Cancellation, Cancelled } from './types/authorization.ts';
import type {
  ChangePreview,
  Connection,
  ConnectionList,
  ConnectionListQuery,
  ConnectionPatch,
  ConnectionReplacement,
  DeletedConnection,
  NewConnection,
} from './types/connection.ts';
import type {
  Grant,
  GrantList,
  GrantListQuery,
  GrantRevocation,
  GrantSelector,
  ImportedTokens,
  RevokedGrants,
  TestReport,
} from './types/grant.ts';

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface EditOptions extends CallOptions {
  /** Edits although working grants lose their tokens. */
  confirmDisconnect?: boolean | undefined;
  /** ETag that the edit is based on. */
  ifMatch?: string | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Deletes although workflows depend on the connection, and disables these. */
  confirmDisableWorkflows?: boolean | undefined;
  /** ETag that the deletion is based on. */
  ifMatch?: string | undefined;
}

/** Calls for connections and their grants. Bodies and results have the field names of the API. */
export interface Connections {
  list(query?: ConnectionListQuery, options?: CallOptions): Promise<ConnectionList>;
  get(name: string, options?: CallOptions): Promise<Connection>;
  create(connection: NewConnection, options?: CallOptions): Promise<Connection>;
  edit(name: string, patch: ConnectionPatch, options?: EditOptions): Promise<Connection>;
  replace(name: string, connection: ConnectionReplacement, options?: EditOptions): Promise<Connection>;
  delete(name: string, options?: DeleteOptions): Promise<DeletedConnection>;
  /** Tells what the call of the same name would do, and changes nothing. */
  preview: {
    create(connection: NewConnection, options?: CallOptions): Promise<ChangePreview>;
    edit(name: string, patch: ConnectionPatch, options?: EditOptions): Promise<ChangePreview>;
    replace(name: string, connection: ConnectionReplacement, options?: EditOptions): Promise<ChangePreview>;
    delete(name: string, options?: CallOptions): Promise<ChangePreview>;
  };
  cancel(name: string, cancellation?: Cancellation, options?: CallOptions): Promise<Cancelled>;
  test(name: string, selector?: GrantSelector, options?: CallOptions): Promise<TestReport>;
  refresh(name: string, selector?: GrantSelector, options?: CallOptions): Promise<Grant>;
  revoke(name: string, revocation?: GrantRevocation, options?: CallOptions): Promise<RevokedGrants>;
  listGrants(name: string, query?: GrantListQuery, options?: CallOptions): Promise<GrantList>;
  getGrant(name: string, grantId: string, options?: CallOptions): Promise<Grant>;
  importGrant(name: string, tokens: ImportedTokens, options?: CallOptions): Promise<Grant>;
  deleteGrant(name: string, grantId: string, options?: CallOptions): Promise<void>;
}

const dryRun = { dry_run: true };
const conditionOf = (etag: string | undefined) => (etag === undefined ? {} : { 'if-match': etag });

export function createConnections(request: ApiRequest): Connections {
  const path = (...segments: string[]) => pathOf('connections', ...segments);
  const post = <T>(segments: string[], body: object, { signal }: CallOptions = {}) =>
    request<T>('POST', path(...segments), { body, signal });
  const get = <T>(segments: string[], { signal }: CallOptions = {}, query: object = {}) =>
    request<T>('GET', path(...segments), { query: { ...query }, signal });
  const edit = <T>(method: 'PATCH' | 'PUT', name: string, body: object, options: EditOptions = {}, query = {}) =>
    request<T>(method, path(name), {
      body,
      query: { ...query, confirm_disconnect: options.confirmDisconnect },
      headers: conditionOf(options.ifMatch),
      signal: options.signal,
    });
  return {
    list: (query, options) => get([], options, query),
    get: (name, options) => get([name], options),
    create: (connection, options) => post([], connection, options),
    edit: (name, patch, options) => edit('PATCH', name, patch, options),
    replace: (name, connection, options) => edit('PUT', name, connection, options),
    delete: (name, { confirmDisableWorkflows, ifMatch, signal } = {}) =>
      request('DELETE', path(name), {
        query: { confirm_disable_workflows: confirmDisableWorkflows },
        headers: conditionOf(ifMatch),
        signal,
      }),
    preview: {
      create: (connection, { signal } = {}) => request('POST', path(), { body: connection, query: dryRun, signal }),
      edit: (name, patch, options) => edit('PATCH', name, patch, options, dryRun),
      replace: (name, connection, options) => edit('PUT', name, connection, options, dryRun),
      delete: (name, { signal } = {}) => request('DELETE', path(name), { query: dryRun, signal }),
    },
    cancel: (name, cancellation = {}, options) => post([name, 'cancel'], cancellation, options),
    test: (name, selector = {}, options) => post([name, 'test'], selector, options),
    refresh: (name, selector = {}, options) => post([name, 'refresh'], selector, options),
    revoke: (name, revocation = {}, options) => post([name, 'revoke'], revocation, options),
    listGrants: (name, query, options) => get([name, 'grants'], options, query),
    getGrant: (name, grantId, options) => get([name, 'grants', grantId], options),
    importGrant: (name, tokens, options) => post([name, 'grants'], tokens, options),
    deleteGrant: (name, grantId, { signal } = {}) => request('DELETE', path(name, 'grants', grantId), { signal }),
  };
}
