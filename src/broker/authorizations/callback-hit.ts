import type { OrganizationId } from '../../domain/connections/connection.ts';

/** An unverified request of a browser to the callback URL. */
export interface CallbackHit {
  /** Organisation in the path. */
  organizationId: OrganizationId;
  connectionName: string;
  /** All parameters, repeated ones included: of the query for GET, of the form for POST. */
  parameters: URLSearchParams;
  /** Ids that the browser holds in cookies with a valid signature: one for each link it opened. */
  browserIds: readonly string[];
  requestId: string | null;
  address: string | null;
}
