import type { OrganizationId } from '../domain/connection.ts';

/** A browser coming back from the provider, before anything of it is believed. */
export interface CallbackHit {
  /** From the path. */
  organizationId: OrganizationId;
  connectionName: string;
  /** Every parameter as it came, repeated ones included: of the query for GET, of the form for POST. */
  parameters: URLSearchParams;
  /** From the signed cookie; null where it is absent or its signature wrong. */
  browserId: string | null;
  requestId: string | null;
  address: string | null;
}
