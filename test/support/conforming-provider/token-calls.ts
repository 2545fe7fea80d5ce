import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import type { RefreshResponse } from '../../../src/domain/grants/token-set.ts';
import { ProviderFailure } from '../../../src/domain/provider-failure.ts';
import { callbackOf, faultsOfAuthorizationUrl } from './authorization.ts';
import {
  type ExpectedRequest,
  expectedClientCredentials,
  expectedExchange,
  expectedRefresh,
} from './expected-requests.ts';
import type { Refusal } from './refusals.ts';
import { checkRequests, describe, held, heldTexts, newGateway, now, outcomeOf, type Scene, same } from './scene.ts';
import type { Answer } from './server.ts';
import { type ExpectedTokens, type Issue, tokenResponse } from './token-response.ts';

const state = 'the-state_of~this.authorization';
const code = 'code/with+special=characters&%2B';

/** Exchanges codes for responses with each alternative of the paths, with and without a stated lifetime. */
export async function playAuthorizations(scene: Scene): Promise<void> {
  for (const alternative of ['first', 'last'] as const) {
    for (const statedSeconds of [3600, null]) {
      const issue = { ...plainIssue, alternative, statedSeconds, captured: capturedBy(scene.template) };
      const { body, expected } = tokenResponse(scene.template, issue);
      const { exchange, request } = await authorize(scene);
      await playTokenRequest(scene, request, { status: 200, body }, expected, exchange);
    }
  }
}

/** Builds the authorization URL and the request that exchanges the code of its callback. */
async function authorize(scene: Scene) {
  const { template, registration, client, faults } = scene;
  const gateway = newGateway(scene);
  const verifier = gateway.createCodeVerifier(client.settings);
  const { redirectUri, scopes } = registration;
  const url = await gateway.authorizationUrl(client.settings, {
    state,
    redirectUri,
    scopes,
    codeVerifier: verifier,
    loginHint: null,
    prompt: null,
  });
  const sent = { state, verifier: verifier?.reveal() ?? null };
  faults.push(...faultsOfAuthorizationUrl(template, registration, url, sent));
  const parameters = callbackOf(template, registration, { state, code });
  return {
    request: expectedExchange({ template, registration }, { code, verifier: sent.verifier }),
    exchange: () => gateway.exchangeCode(client, { parameters, state, redirectUri, codeVerifier: verifier, scopes }),
  };
}

export async function playClientCredentials(scene: Scene): Promise<void> {
  const { body, expected } = tokenResponse(scene.template, { ...plainIssue, refreshToken: null });
  const call = () => newGateway(scene).requestClientCredentials(scene.client, scene.registration.scopes);
  await playTokenRequest(scene, expectedClientCredentials(scene), { status: 200, body }, expected, call);
}

/** Refreshes twice if the template does not say whether the refresh token rotates. */
export async function playRefreshes(scene: Scene): Promise<void> {
  const { rotates } = scene.template.refreshToken;
  for (const doesRotate of rotates === null ? [true, false] : [rotates]) {
    const refreshToken = doesRotate ? 'rotated/refresh+token' : null;
    const { body, expected } = tokenResponse(scene.template, { ...plainIssue, accessToken: 'renewed', refreshToken });
    await playTokenRequest(scene, expectedRefresh(scene, heldTexts), { status: 200, body }, expected, () =>
      newGateway(scene).refresh(scene.client, held, scene.registration.scopes),
    );
  }
}

/** Refuses every kind of token request in the same way. */
export async function playRefusal(
  scene: Scene,
  { label, status, body, headers, class: expected }: Refusal,
): Promise<void> {
  const { flows } = scene.template;
  const calls: Partial<Record<string, () => Promise<unknown>>> = {};
  if (flows.includes('authorization_code')) calls['code exchange'] = (await authorize(scene)).exchange;
  if (flows.includes('refresh_token')) {
    calls.refresh = () => newGateway(scene).refresh(scene.client, held, scene.registration.scopes);
  }
  if (flows.includes('client_credentials')) {
    calls['client credentials'] = () =>
      newGateway(scene).requestClientCredentials(scene.client, scene.registration.scopes);
  }
  for (const [name, call] of Object.entries(calls)) {
    scene.server.script({ status, body, headers });
    const outcome = await outcomeOf(async () => call?.());
    const found = outcome instanceof ProviderFailure ? outcome.facts.class : describe(outcome);
    if (found !== expected) scene.faults.push(`${name}, refused by ${label}: the class is ${found}, not ${expected}`);
  }
}

async function playTokenRequest(
  scene: Scene,
  request: ExpectedRequest,
  answer: Answer,
  expected: ExpectedTokens,
  call: () => Promise<RefreshResponse>,
): Promise<void> {
  const received = scene.server.script(answer);
  const outcome = await outcomeOf(call);
  checkRequests(scene, [request], received);
  if (outcome instanceof Error) {
    scene.faults.push(`${request.label}: the call ended in ${describe(outcome)}`);
    return;
  }
  const { tokens, lifetimeSeconds, refreshLifetimeSeconds, scopes, account } = outcome as RefreshResponse;
  const read = {
    accessToken: tokens.accessToken?.reveal(),
    refreshToken: tokens.refreshToken?.reveal() ?? null,
    lifetimeSeconds,
    refreshLifetimeSeconds,
    scopes,
    extra: tokens.extra,
    account,
  };
  for (const name of Object.keys(expected) as (keyof ExpectedTokens)[]) {
    same(scene.faults, `${request.label}: ${name}`, read[name], expected[name]);
  }
}

const plainIssue: Issue = {
  accessToken: 'issued/access+token',
  refreshToken: 'issued/refresh+token',
  scopes: ['read:some', 'https://scopes.example/write'],
  statedSeconds: 5400,
  alternative: 'first',
  captured: {},
  now,
};

function capturedBy({ response: { callbackExtra } }: ProviderTemplate): Record<string, string> {
  return Object.fromEntries(Object.entries(callbackExtra).map(([name, from]) => [name, `callback-${from}`]));
}
