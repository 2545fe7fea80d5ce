import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import { missingScopes } from '../../../src/domain/grants/scopes.ts';
import type { OAuthClient } from '../../../src/domain/ports/oauth.ts';
import { ProviderFailure } from '../../../src/domain/provider-failure.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { someSettings } from '../builders/connection.ts';
import { expectedProbe, expectedRevocations } from './expected-requests.ts';
import { type Members, setAt } from './members.ts';
import { type Refusal, refusalsOf, refusedRevocation } from './refusals.ts';
import { register } from './registration.ts';
import { checkRequests, describe, held, heldTexts, newGateway, outcomeOf, type Scene, same } from './scene.ts';
import type { ProviderServer } from './server.ts';
import { playAuthorizations, playClientCredentials, playRefreshes, playRefusal } from './token-calls.ts';

/** Result of a run. Without faults, the broker and a provider that follows the template understand each other. */
export interface Conformance {
  faults: string[];
  refusals: number;
}

/**
 * Plays every call of one template against a provider that behaves as `provider` says. `broker` is the template that the
 * broker uses; the two differ only in tests of this suite itself.
 */
export async function runConformance(
  server: ProviderServer,
  provider: ProviderTemplate,
  broker: ProviderTemplate = provider,
): Promise<Conformance> {
  const faults: string[] = [];
  const refusals = refusalsOf(provider);
  try {
    await play(server, provider, broker, refusals, faults);
  } catch (error) {
    faults.push(`the run ended early: ${describe(error)}`);
  }
  return { faults, refusals: refusals.length };
}

async function play(
  server: ProviderServer,
  provider: ProviderTemplate,
  broker: ProviderTemplate,
  refusals: readonly Refusal[],
  faults: string[],
): Promise<void> {
  const registration = register(provider);
  const settings = someSettings({
    provider: broker.id,
    flow: provider.flows.includes('authorization_code') ? 'authorization_code' : 'client_credentials',
    clientId: registration.clientId,
    variables: registration.variables,
    scopes: registration.scopes,
  });
  const client: OAuthClient = {
    caller: { organizationId: 'acme', connectionId: 'connection' },
    settings,
    secrets: registration.method === 'none' ? [] : [new Secret(registration.secret)],
  };
  const scene: Scene = { server, template: provider, registration, client, broker, faults };
  const invalid = newGateway(scene).validate(settings);
  faults.push(...invalid.map(({ path, message }) => `settings: ${path}: ${message}`));
  checkScopeNames(scene);
  if (provider.flows.includes('authorization_code')) await playAuthorizations(scene);
  if (provider.flows.includes('client_credentials')) await playClientCredentials(scene);
  if (provider.flows.includes('refresh_token')) await playRefreshes(scene);
  for (const refusal of refusals) await playRefusal(scene, refusal);
  await playRevocation(scene);
  await playProbe(scene);
}

/** Checks that a scope which the provider grants under another name counts as the requested one. */
function checkScopeNames({ template: { scopeAliases, scopePrefix }, broker, registration, faults }: Scene): void {
  const prefixed = scopePrefix === null ? [] : registration.scopes.map((scope) => [`${scopePrefix}${scope}`, scope]);
  for (const [granted = '', requested = ''] of [...Object.entries(scopeAliases), ...prefixed]) {
    if (missingScopes([requested], [granted], broker).length > 0) {
      faults.push(`scopes: the granted ${granted} does not count as ${requested}`);
    }
  }
}

async function playRevocation(scene: Scene): Promise<void> {
  const expected = expectedRevocations(scene, heldTexts);
  const received = scene.server.script(...expected.map(() => ({ status: 200, body: {} })));
  const outcome = await outcomeOf(() => newGateway(scene).revoke(scene.client, held));
  checkRequests(scene, expected, received);
  const confirmed = scene.template.revocation !== null;
  if (outcome !== confirmed) scene.faults.push(`revocation: the result is ${describe(outcome)}`);
  if (!confirmed) return;
  const [status, body, expectedClass] = refusedRevocation(scene.template);
  scene.server.script({ status, body });
  const refused = await outcomeOf(() => newGateway(scene).revoke(scene.client, held));
  const found = refused instanceof ProviderFailure ? refused.facts.class : describe(refused);
  if (found !== expectedClass)
    scene.faults.push(`revocation: the class of a refusal is ${found}, not ${expectedClass}`);
}

async function playProbe(scene: Scene): Promise<void> {
  const { template, faults, server, client } = scene;
  const request = expectedProbe(scene, heldTexts.accessToken);
  const { accountId = null, accountName = null } = template.test ?? {};
  const [id, name] = [accountId, accountName].map((path) => path?.split('|')[0]);
  const whole: object = /^\d+(\.|$)/.test(id ?? '') ? [] : {};
  const body = whole as Members;
  for (const path of [id, name]) if (path !== undefined) setAt(body, path, `value-${path}`);
  const account = id === undefined ? null : { id: `value-${id}`, name: name === undefined ? null : `value-${name}` };
  for (const status of request === null ? [200] : [200, 401]) {
    const received = server.script({ status, body });
    const { result, ...rest } = await newGateway(scene).probe(client, held);
    checkRequests(scene, request === null ? [] : [request], received);
    const wanted = request === null ? 'skipped' : status === 200 ? 'success' : 'failed';
    if (result !== wanted) faults.push(`probe: the result after status ${status} is ${result}`);
    if (result === 'success') same(faults, 'probe: the account', rest.account, account);
  }
}
