import { setTimeout as sleep } from 'node:timers/promises';
import { connectAs, connectionName } from './connect.ts';
import { check } from './narrated-api.ts';
import { abbreviate } from './narrator.ts';
import type { Stage } from './stage.ts';

const credential = `/credentials/${connectionName}`;
const shortLifeSeconds = 8;

/** Fetches a live token and uses it at the provider. */
export async function fetchToken(stage: Stage): Promise<void> {
  const token = await readToken(stage);
  await prove(stage, token, 'ada');
}

export async function refreshOnDemand(stage: Stage): Promise<void> {
  const { narrator, provider, api } = stage;
  const before = await fetchQuietly(stage);
  const requests = provider.countTokenRequests('refresh_token');
  await api.post(`/connections/${connectionName}/refresh`, undefined, {
    show: ['grant_id', 'status', 'expires_at', 'last_refresh_at'],
  });
  const after = await readToken(stage);
  check(after !== before, 'the refresh left the old token in place');
  check(provider.countTokenRequests('refresh_token') === requests + 1, 'the refresh took more than one token request');
  await prove(stage, after, 'ada');
  narrator.fact(
    'One request to the provider. The rotated refresh token was stored before the new access token was served.',
  );
}

/** A fetch of an expired token waits for the refresh and never returns the expired one. */
export async function outliveToken(stage: Stage): Promise<void> {
  const { narrator, provider, api } = stage;
  provider.setLifetimes({ accessTokenSeconds: shortLifeSeconds });
  await api.post(`/connections/${connectionName}/refresh`, undefined, { show: ['expires_at'] });
  provider.setLifetimes({ accessTokenSeconds: 3600 });
  const before = await fetchQuietly(stage);
  await narrator.wait(
    `the new token expires in ${shortLifeSeconds} s; waiting until it has expired`,
    sleep(shortLifeSeconds * 1000),
  );
  check(!(await provider.accepts(before)), 'the short-lived token is still alive');
  const after = await readToken(stage);
  check(after !== before, 'an expired token was served');
  await prove(stage, after, 'ada');
}

export async function surviveOutage(stage: Stage): Promise<void> {
  const { narrator, provider, api } = stage;
  await provider.setOutage('refused');
  try {
    const { access_token } = await api.get(credential, { show: ['access_token', 'status', 'expires_at'] });
    await provider.setOutage('none');
    await prove(stage, access_token, 'ada');
    narrator.fact('A valid token is served while the provider is down.');
  } finally {
    await provider.setOutage('none');
  }
}

/** Shows that a fetch prefers the grant of the organisation to the global one. */
export async function fallBack(stage: Stage): Promise<void> {
  const { narrator, api } = stage;
  const show = ['organization_id', 'grant_organization_id', 'account_id', 'access_token'];
  const shared = await api.get(credential, { organization: 'acme', show });
  check(shared.grant_organization_id === null, 'acme did not fall back to the global grant');
  await prove(stage, shared.access_token, 'ada');
  narrator.fact('acme has no grant of its own and is served the shared account.');
  await connectAs(stage, 'grace', 'acme');
  const own = await api.get(credential, { organization: 'acme', show });
  check(own.grant_organization_id === 'acme', 'acme was not served its own grant');
  await prove(stage, own.access_token, 'grace');
  const other = await api.get(credential, { organization: 'globex', show });
  await prove(stage, other.access_token, 'ada');
  narrator.fact('acme now has its own account on the same connection; globex still has the shared one.');
}

export async function revoke(stage: Stage): Promise<void> {
  const { narrator, provider, api } = stage;
  const token = await fetchQuietly(stage);
  await api.post(`/connections/${connectionName}/revoke`, { reason: 'end of the demo' });
  const status = await userinfoStatus(stage, token);
  check(status === 401, `the provider still responds with ${status} to the revoked token`);
  check(!(await provider.accepts(token)), 'the provider still accepts the revoked token');
  await api.get(credential, { status: 503, show: ['status', 'code', 'connection_status', 'status_reason'] });
  narrator.fact('Revoked at the provider and at the broker: no token is served any more.');
}

async function readToken({ api }: Stage): Promise<string> {
  const { access_token } = await api.get(credential, {
    show: ['access_token', 'token_type', 'expires_at', 'scopes', 'status'],
  });
  check(typeof access_token === 'string' && access_token !== '', 'the response holds no access token');
  return access_token;
}

async function fetchQuietly({ broker, dataDir }: Stage): Promise<string> {
  const response = await fetch(`${broker.url}${credential}`, {
    headers: { authorization: `Bearer ${dataDir.adminKey()}` },
  });
  const { access_token } = (await response.json()) as { access_token?: string };
  check(access_token !== undefined, `a fetch between two steps responded with ${response.status}`);
  return String(access_token);
}

async function prove({ narrator, provider }: Stage, token: string, account: string): Promise<void> {
  const response = await fetch(provider.endpoints.userinfo, { headers: { authorization: `Bearer ${token}` } });
  const { sub } = (await response.json()) as { sub?: string };
  check(
    response.ok && sub === account,
    `the provider responds with ${response.status} for ${String(sub)} to a token that it should accept`,
  );
  narrator.fact(`The provider's userinfo endpoint identifies ${abbreviate(token)} as ${account}.`);
}

async function userinfoStatus({ provider }: Stage, token: string): Promise<number> {
  return (await fetch(provider.endpoints.userinfo, { headers: { authorization: `Bearer ${token}` } })).status;
}
