/**
 * Classes of failed provider calls. grants/failure-policy.ts decides the effect of each on the grant that met it.
 * - reauthorization: RFC 6749 §5.2 invalid_grant and a template's equivalents. The person must authorize again.
 * - client: invalid_client, unauthorized_client. Several refusals pause the background refreshes of the connection.
 * - configuration: invalid_scope, unsupported_grant_type, invalid_target (RFC 8707 §2).
 * - throttled: 429, slow_down (RFC 8628 §3.5).
 * - transient: 5xx, timeouts, resets, TLS failures, redirects, pages, unreadable bodies. Feeds the circuit breaker.
 * - unknown: every other refusal with a 4xx status. It proves that the endpoint is alive.
 * - refused: the broker's own rules stopped the call before it was sent (a forbidden address, a broken URL).
 * A call that is held back because earlier calls failed is also throttled or transient.
 */
export const failureClasses = [
  'reauthorization',
  'client',
  'configuration',
  'throttled',
  'transient',
  'unknown',
  'refused',
] as const;
export type FailureClass = (typeof failureClasses)[number];

export interface ProviderFailureFacts {
  class: FailureClass;
  /** Whether a byte of the request may have reached the provider. Only an unsent call may be repeated. */
  sent: boolean;
  /** Whether the provider responded and refused: the code or refresh token that was sent is not spent. */
  answered: boolean;
  /**
   * True if the answer to a request of this call can no longer arrive: the connection ended first, or a gateway said 502
   * or 504. The refresh token may be spent, also if a later request of the call was answered.
   */
  lost?: true;
  /** `error` code of the provider's response, verified to be a short token of RFC 6749 §5.2's characters. */
  oauthError: string | null;
  /**
   * Provider's description of the error for people: at most 200 printable characters, without any secret or token that
   * was sent. It is provider text: show it as a quotation, and never decide by it.
   */
  description: string | null;
  httpStatus: number | null;
  /** Why the broker did not connect to an address. `message` does not tell: it says the same for each. */
  addressFault?: AddressFault;
  /** Issuers of an authorization response that names another one than expected (RFC 9207), for administrators only. */
  issuers?: WrongIssuer;
  /** Delay that the provider requests. For an unsent call: how long the broker holds it back. */
  retryAfterMs: number | null;
}

/**
 * Reasons for administrators only. Other callers could otherwise learn which names of an internal network exist, by
 * writing them into connections.
 */
export const addressFaults = {
  unresolved: "The provider's host name could not be resolved.",
  forbidden: "The provider's name resolves to an address that may not be reached.",
} as const;
export type AddressFault = keyof typeof addressFaults;

/** Text for every caller, the same for each fault. */
export const unusableAddress = "The provider's host name cannot be resolved, or its address may not be reached.";

export interface WrongIssuer {
  /** Issuer of the connection; its origin if only that is known. */
  expected: string;
  /** Text of the browser in cleaned form; null if it is absent. */
  received: string | null;
}

/** A failed call to a provider. The broker writes `message`: it is safe to show and never contains provider text. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  readonly facts: ProviderFailureFacts;

  constructor(message: string, facts: ProviderFailureFacts, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.facts = facts;
  }
}

/** Characters of the longest description. */
const maxDescriptionLength = 200;

/**
 * Describes a failure for people: in the provider's words, or in the broker's if the provider sent none. Tells the fault
 * of an address: only administrators may see that part.
 */
export function descriptionOf({ facts, message }: ProviderFailure): string {
  const { description, addressFault } = facts;
  if (description !== null) return description;
  return addressFault === undefined ? message.slice(0, maxDescriptionLength) : addressFaults[addressFault];
}

interface DescribedFailure {
  class: FailureClass;
  description: string | null;
}

/** Hides why an address cannot be used: it tells which internal names exist. For callers who are no administrators. */
export function withoutAddress<T extends DescribedFailure>(failure: T): T {
  const isAboutAddress = addressTexts.has(failure.description ?? '');
  // The failed token request of an authorization has no description; its class would tell.
  const isTelling = isAboutAddress || (failure.description === null && failure.class === 'refused');
  return isTelling ? { ...failure, class: 'transient', description: isAboutAddress ? unusableAddress : null } : failure;
}

const addressTexts: ReadonlySet<string> = new Set(Object.values(addressFaults));
