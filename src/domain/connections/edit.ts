import type { ConnectionSettings } from './connection.ts';

/**
 * Settings that decide where and as which client secrets and tokens are sent. URLs and method are the effective ones.
 */
export interface Destination
  extends Pick<ConnectionSettings, 'provider' | 'flow' | 'clientId' | 'variables' | 'tokenAuthMethod'> {
  authorizationUrl: string | null;
  tokenUrl: string | null;
}

/** API field names: the refusal `client_secret_required` lists the changed fields. */
const destinationFields = {
  provider: 'provider',
  flow: 'oauth_flow_type',
  clientId: 'client_id',
  authorizationUrl: 'authorization_url',
  tokenUrl: 'token_url',
  variables: 'variables',
  tokenAuthMethod: 'token_auth_method',
} as const satisfies Record<keyof Destination, string>;

/**
 * Lists the fields whose change redirects secrets or tokens. Writing out a URL that is already effective is no change.
 */
export function redirectedFields(before: Destination, after: Destination): string[] {
  return (Object.keys(destinationFields) as (keyof Destination)[])
    .filter((field) => !isSame(before[field], after[field]))
    .map((field) => destinationFields[field]);
}

/** Effect of a request on the stored client secret. */
export interface SecretEdit {
  /** Sending the stored secret again counts as kept. */
  change: 'kept' | 'replaced' | 'removed';
  /** Whether the secret was sent, and test_url or revocation_url have other hosts than when it was sent last. */
  isSentToNewHosts: boolean;
  /** Whether the revocation URL after the edit may receive the secrets stored before it. */
  mayKeepOld: boolean;
}

export interface EditEffect {
  /** Drops tokens, increments config_version and voids pending authorizations. */
  dropsTokens: boolean;
  /** Lets grants that failed with client_rejected be tried again. */
  liftsClientRejection: boolean;
  /** Keeps the replaced secret second in the list: providers accept both secrets while one is rotated. */
  keepsOldSecret: boolean;
  changesSlots: boolean;
  /** Obtains a token of a client_credentials connection under the new configuration. */
  fetchesToken: boolean;
  /** Whether the request differs from the stored state. */
  changesAnything: boolean;
}

/** Computes the effect of an edit. `redirected` is the result of redirectedFields. */
export function effectOfEdit(
  before: ConnectionSettings,
  after: ConnectionSettings,
  redirected: readonly string[],
  secret: SecretEdit,
): EditEffect {
  const dropsTokens = redirected.length > 0;
  const changesSecret = secret.change !== 'kept';
  const changesRequest =
    !isSame([...before.scopes].sort(), [...after.scopes].sort()) ||
    !isSame(before.authorizeParams, after.authorizeParams) ||
    !isSame(before.tokenParams, after.tokenParams);
  return {
    dropsTokens,
    liftsClientRejection: changesSecret && !dropsTokens,
    keepsOldSecret: secret.change === 'replaced' && secret.mayKeepOld && !dropsTokens,
    changesSlots: before.multiAccount !== after.multiAccount,
    fetchesToken:
      after.flow === 'client_credentials' &&
      (dropsTokens || changesSecret || changesRequest || secret.isSentToNewHosts),
    changesAnything: dropsTokens || changesSecret || secret.isSentToNewHosts || !isSame(before, after),
  };
}

/** Compares deeply and ignores the order of members. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
