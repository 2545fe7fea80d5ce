import type { StatusReason } from '../domain/grant.ts';
import type { TripWithConnection } from '../domain/ports/callers.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthClient, OAuthGateway, ProbeResult } from '../domain/ports/oauth.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import type { ProviderAccount, TokenAnswer, TokenSet } from '../domain/token-set.ts';
import { openClient, openVerifier } from './sealing.ts';

/** A trip that did not lead to a grant. Whatever tokens there were are dropped, never revoked: that could end the working grant. */
export interface TripFailure {
  kind: 'failed';
  reason: StatusReason;
  message: string;
  exchangeSuccess: boolean | null;
  testResult: ProbeResult['result'] | null;
}

export interface ObtainedTokens {
  kind: 'obtained';
  answer: TokenAnswer;
  account: ProviderAccount | null;
  testResult: Exclude<ProbeResult['result'], 'failed'>;
  requestedAt: Date;
}

/** Exchanges the code, once, and asks the provider whether the token works and whose it is. */
export type ObtainAuthorizedTokens = (
  trip: TripWithConnection,
  callback: { state: string; parameters: URLSearchParams },
) => Promise<ObtainedTokens | TripFailure>;

export interface ObtainAuthorizedTokensDeps {
  oauth: Pick<OAuthGateway, 'exchangeCode' | 'probe'>;
  cipher: Cipher;
  clock: () => Date;
}

export function createObtainAuthorizedTokens({
  oauth,
  cipher,
  clock,
}: ObtainAuthorizedTokensDeps): ObtainAuthorizedTokens {
  return async ({ authorization, connection }, { state, parameters }) => {
    const requestedAt = clock();
    const client = openClient(cipher, connection);
    const { redirectUri, scopes } = authorization;
    const codeVerifier = openVerifier(cipher, authorization);
    let answer: TokenAnswer;
    try {
      answer = await oauth.exchangeCode(client, { parameters, state, redirectUri, codeVerifier, scopes });
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const message = exchangeMessage(error);
      return { kind: 'failed', reason: 'exchange_failed', message, exchangeSuccess: false, testResult: null };
    }
    const probe = await probeArrived(oauth, client, answer.tokens);
    if (probe.result === 'failed') {
      const message = `The token that arrived does not work. ${probe.message}`;
      return { kind: 'failed', reason: 'test_failed', message, exchangeSuccess: true, testResult: 'failed' };
    }
    return {
      kind: 'obtained',
      answer,
      account: accountOf(answer.account, probe.account),
      testResult: probe.result,
      requestedAt,
    };
  };
}

async function probeArrived(
  oauth: Pick<OAuthGateway, 'probe'>,
  client: OAuthClient,
  tokens: TokenSet,
): Promise<Pick<ProbeResult, 'result' | 'message' | 'account'>> {
  try {
    return await oauth.probe(client, tokens);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return { result: 'failed', message: error.message, account: null };
  }
}

/** The token answer names the account the token itself is bound to; the probe may add its name. */
function accountOf(told: ProviderAccount | null, probed: ProviderAccount | null): ProviderAccount | null {
  if (told === null) return probed;
  return { id: told.id, name: told.name ?? (probed?.id === told.id ? probed.name : null) };
}

function exchangeMessage({ message, facts }: ProviderFailure): string {
  switch (facts.class) {
    case 'reauthorization':
      return 'The provider no longer accepts the code: it has expired or was used before. Connect again.';
    case 'client':
      return `The provider does not accept the client id and secret of this connection. ${message}`;
    default:
      return `The code could not be exchanged for a token. ${message}`;
  }
}
