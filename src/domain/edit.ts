import type { ConnectionSettings } from './connection.ts';

/** Everything that decides where secrets and tokens are sent, and as whom: the URLs and the method are those in force. */
export interface Destination
  extends Pick<ConnectionSettings, 'provider' | 'flow' | 'clientId' | 'variables' | 'tokenAuthMethod'> {
  authorizationUrl: string | null;
  tokenUrl: string | null;
  revocationUrl: string | null;
  testUrl: string | null;
}

/** Names as the API spells them, because a refusal lists what changed. */
const destinationFields = {
  provider: 'provider',
  flow: 'oauth_flow_type',
  clientId: 'client_id',
  authorizationUrl: 'authorization_url',
  tokenUrl: 'token_url',
  revocationUrl: 'revocation_url',
  testUrl: 'test_url',
  variables: 'variables',
  tokenAuthMethod: 'token_auth_method',
} as const satisfies Record<keyof Destination, string>;

/** Fields whose change redirects secrets or tokens. Spelling out a URL that was in force anyway changes nothing. */
export function redirectedFields(before: Destination, after: Destination): string[] {
  return (Object.keys(destinationFields) as (keyof Destination)[])
    .filter((field) => !isSame(before[field], after[field]))
    .map((field) => destinationFields[field]);
}

/** What a request does to the stored secret; the one already stored, sent again, is kept. */
export type SecretChange = 'kept' | 'replaced' | 'removed';

export interface EditEffect {
  /** Tokens go, config_version grows, pending trips are void. */
  dropsTokens: boolean;
  /** Grants that failed because the provider rejected the client get another chance. */
  liftsClientRejection: boolean;
  /** The replaced secret stays second in the list: providers let both live while one is rotated. */
  keepsOldSecret: boolean;
  changesSlots: boolean;
  /** A client_credentials connection obtains a token under the new configuration. */
  fetchesToken: boolean;
  /** False where the request asked for what already is. */
  changesAnything: boolean;
}

/** What an edit does; `redirected` is the answer of redirectedFields. */
export function effectOfEdit(
  before: ConnectionSettings,
  after: ConnectionSettings,
  redirected: readonly string[],
  secret: SecretChange,
): EditEffect {
  const dropsTokens = redirected.length > 0;
  const changesSecret = secret !== 'kept';
  const changesRequest =
    !isSame([...before.scopes].sort(), [...after.scopes].sort()) ||
    !isSame(before.authorizeParams, after.authorizeParams) ||
    !isSame(before.tokenParams, after.tokenParams);
  return {
    dropsTokens,
    liftsClientRejection: changesSecret && !dropsTokens,
    keepsOldSecret: secret === 'replaced' && !dropsTokens,
    changesSlots: before.multiAccount !== after.multiAccount,
    fetchesToken: after.flow === 'client_credentials' && (dropsTokens || changesSecret || changesRequest),
    changesAnything: dropsTokens || changesSecret || !isSame(before, after),
  };
}

/** Deep, whatever the order of members. */
function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
