import type { ChangePreview } from '../../broker/connections/change-preview.ts';
import type { NewConnection } from '../../broker/connections/create-connection.ts';
import type { ConnectionEdit } from '../../broker/connections/edit-connection.ts';
import type { Connection, OrganizationId } from '../../domain/connections/connection.ts';

/** Body of a call of the API that creates or edits a connection. */
export type ConnectionBody = Readonly<Record<string, unknown>>;

/** A member of a connection before and after an edit, as the API names and shows it. A secret shows no value. */
export type MemberChange = { field: string; from: unknown; to: unknown } | { field: 'client_secret'; changed: true };

/**
 * The rules of the API for its own bodies. A form writes the body that the page also shows as a call with curl, and the
 * rules of the API read it. So a form accepts exactly what the API accepts.
 */
export interface ConnectionInput {
  /** Reads the body of a creation. Throws invalid_request. */
  readNew(body: ConnectionBody): NewConnection;
  /** Reads a JSON merge patch. Throws invalid_request. */
  readMerge(body: ConnectionBody): Pick<ConnectionEdit, 'apply' | 'clientSecret' | 'isApplied'>;
  /** Lists the members that an edit changes. `viewer` owns the connection. */
  changesOf(preview: ChangePreview, viewer: OrganizationId): MemberChange[];
  /** Value of If-Match for the configuration. */
  etagOf(connection: Pick<Connection, 'id' | 'revision'>): string;
}
