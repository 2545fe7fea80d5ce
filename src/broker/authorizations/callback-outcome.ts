import type { OutcomeDetails } from '../../domain/authorization-outcome.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { StatusReason } from '../../domain/grants/grant.ts';
import type { ProviderAccount } from '../../domain/grants/token-set.ts';
import type { Refusal } from './refusal.ts';

/** Outcome of an authorization, as the person sees it. */
export interface SettledOutcome {
  kind: 'settled';
  status: 'completed' | 'failed';
  statusReason: StatusReason | null;
  details: OutcomeDetails;
  connectionName: string;
  organizationId: OrganizationId;
  /** Name of the provider for people. */
  provider: string;
  subject: string | null;
  account: ProviderAccount | null;
  /** Error of the provider: its code, and its description in cleaned form. */
  error: string | null;
  errorDescription: string | null;
  /** Return URL exactly as checked and stored at the start. */
  returnUrl: string | null;
  /** Text of the caller, to hand back on the return URL. */
  clientState: string | null;
  /** True if this browser brought another callback after the one that reached the outcome. It changed nothing. */
  isLaterCallback: boolean;
}

/** Tokens wait for the session that started the authorization. Only the completing browser learns the code. */
export interface AwaitingConfirmation {
  kind: 'awaiting_confirmation';
  connectionName: string;
  authorizationId: string;
  confirmationCode: string;
  returnUrl: string;
  clientState: string | null;
}

export type CallbackOutcome = Refusal | SettledOutcome | AwaitingConfirmation;
