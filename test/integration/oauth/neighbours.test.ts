import { afterEach, expect, test } from 'vitest';
import { type GatewayFixture, held, startGateway } from '../../support/provider/gateway-fixture.ts';
import { json, type Reply, text } from '../../support/provider/hostile-provider.ts';

let open: GatewayFixture;
afterEach(() => open.close());

test('120 calls of one organisation that wait for their next try hold no place: another organisation is sent at once', async () => {
  const waiting = 120;
  open = await startGateway({ timing: { retries: 1, backoffMs: [8000], callCapMs: 30_000 } });
  const { provider, gateway, client } = open;
  const callOf = (organizationId: string) =>
    gateway.refresh({ ...client, caller: { ...client.caller, organizationId } }, held({ refresh: organizationId }), []);
  const granted = json(200, { access_token: 'new', expires_in: 60 });
  const refuseAcme: Reply = (response) =>
    (provider.form().get('refresh_token') === 'acme' ? text(503, '') : granted)(response);
  provider.script('/token', refuseAcme);

  const calls = Array.from({ length: waiting }, () => callOf('acme'));
  await expect.poll(() => provider.received.length, { timeout: 7000 }).toBe(waiting);
  const { tokens } = await callOf('globex');
  expect(tokens.accessToken?.reveal()).toBe('new');
  expect(provider.received, 'no call of acme has ended its pause').toHaveLength(waiting + 1);
  provider.script('/token', granted);
  await Promise.all(calls);
});
