import type { OrganizationId } from '../domain/connection.ts';
import type { StatusReason } from '../domain/grant.ts';
import type { ProviderAccount } from '../domain/token-set.ts';

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

export type CallbackOutcome =
  /** Nothing happened: bad state, foreign browser, replay, wrong iss, wrong path, another environment. */
  | { kind: 'refused'; message: string }
  | {
      kind: 'settled';
      status: 'completed' | 'failed';
      statusReason: StatusReason | null;
      message: string;
      connectionName: string;
      organizationId: OrganizationId;
      provider: string;
      subject: string | null;
      account: ProviderAccount | null;
      /** Exactly as allowed and stored at the start. */
      returnUrl: string | null;
    };

export type CompleteAuthorization = (hit: CallbackHit) => Promise<CallbackOutcome>;
