import { beforeEach, describe, expect, test } from 'vitest';
import { aProviderFailure } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';

const acme = actorOf('acme');
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection());
});

const exchanges = () => broker.oauth.calls.filter(({ name }) => name === 'exchangeCode').length;
const callbacks = () => broker.rows.audit.filter(({ action }) => action === 'authorization.callback');

describe('a callback after the outcome', () => {
  const failures: [string, () => void][] = [
    ['a denial', () => Object.assign(broker.oauth.script, { callback: { kind: 'error', error: 'access_denied' } })],
    ['a failed exchange', () => Object.assign(broker.oauth.script, { exchange: aProviderFailure({}) })],
    ['a success', () => undefined],
  ];

  test.each(failures)(
    'shows the outcome of %s, from the same browser only, also after the link has expired',
    async (_name, script) => {
      const { hit } = await walkToCallback(broker, 'acme', {
        subject: 'ann',
        returnUrl: 'https://app.test/done',
        clientState: 'their-state',
      });
      script();
      const first = await broker.completeAuthorization(hit);
      const recorded = callbacks().length;
      broker.time.now = new Date(broker.time.now.getTime() + 3_600_000);
      expect(await broker.completeAuthorization(hit)).toEqual(first);
      expect(first).toMatchObject({ kind: 'settled', clientState: 'their-state', returnUrl: 'https://app.test/done' });
      expect(callbacks()).toHaveLength(recorded);
      expect(exchanges()).toBeLessThanOrEqual(1);
      expect(await broker.completeAuthorization({ ...hit, browserIds: ['other'] })).toMatchObject({ kind: 'refused' });
      const other = new URLSearchParams({ code: 'another', state: hit.parameters.get('state') ?? '' });
      expect(await broker.completeAuthorization({ ...hit, parameters: other })).toEqual({
        ...first,
        isLaterCallback: true,
      });
      expect(exchanges()).toBeLessThanOrEqual(1);
    },
  );

  test('is refused after a cancellation or an edit, which reached no outcome', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    await broker.cancelAuthorization(acme, 'crm', null);
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
  });
});

describe('the error of the provider', () => {
  test('is kept with its description, cleaned and without secrets', async () => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    broker.oauth.script.callback = { kind: 'error', error: 'server_error' };
    const described = new URLSearchParams({ state, error: 'server_error', error_description: 'Try\n later\u202E!' });
    await broker.completeAuthorization({ ...hit, parameters: described });
    expect(await broker.getAuthorization(acme, state)).toMatchObject({
      error: 'server_error',
      errorDescription: 'Try later !',
      nextAction: 'authorize',
    });
  });

  test('is in the audit event, with its class and the HTTP status of the token response', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.exchange = aProviderFailure({
      class: 'client',
      oauthError: 'invalid_client',
      description: 'The client is locked.',
      httpStatus: 401,
    });
    await broker.completeAuthorization(hit);
    expect(callbacks().at(-1)?.details).toMatchObject({
      class: 'client',
      error: 'invalid_client',
      error_description: 'The client is locked.',
      http_status: 401,
    });
  });

  test.each(['the-code', 'client-secret', 'verifier'])('is dropped when it repeats %s', async (secret) => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    broker.oauth.script.exchange = aProviderFailure({
      class: 'client',
      oauthError: 'invalid_client',
      description: `unknown ${secret}`,
    });
    await broker.completeAuthorization(hit);
    expect(await broker.getAuthorization(acme, state)).toMatchObject({
      error: 'invalid_client',
      errorDescription: null,
      nextAction: 'reconfigure',
    });
    expect(JSON.stringify(broker.rows.audit)).not.toContain(secret);
  });
});
