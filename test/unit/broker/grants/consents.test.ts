import { beforeEach, expect, test } from 'vitest';
import { Secret } from '../../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';

const actor = (id: string) => {
  const acme = actorOf('acme');
  return { ...acme, caller: { ...acme.caller, id }, trace: { requestId: null, address: '192.0.2.1' } };
};
const importer = actor('api_key:importer');
const plain = { subject: null, accountId: null };

let broker: MemoryBroker;
beforeEach(async () => {
  broker = createMemoryBroker();
});
const imported = async () => {
  await broker.createConnection(importer, newConnection());
  return broker.importGrant(importer, 'crm', importedTokens({ scopes: ['read'], accountId: 'A' }));
};

test('an import is a consent with its caller, address and scopes', async () => {
  const grant = await imported();
  expect(broker.rows.consents).toEqual([
    {
      id: expect.any(String),
      grantId: grant.id,
      connectionId: grant.connectionId,
      connectionName: 'crm',
      organizationId: 'acme',
      subject: null,
      accountId: 'A',
      accountName: null,
      scopes: ['read'],
      how: 'import',
      actor: 'api_key:importer',
      address: '192.0.2.1',
      at: broker.time.now,
      end: null,
    },
  ]);
});

test('an authorization is a consent of the caller that started it, from the address of the browser', async () => {
  await broker.createConnection(actorOf('acme'), newConnection());
  const { hit } = await walkToCallback(broker, 'acme', { subject: 'ann' });
  await broker.completeAuthorization({ ...hit, address: '198.51.100.9' });
  expect(broker.rows.consents).toMatchObject([
    { how: 'authorization', subject: 'ann', actor: 'bootstrap', address: '198.51.100.9', end: null },
  ]);
});

test('the first token of a client is a consent of the caller that created the connection', async () => {
  await broker.createConnection(importer, newConnection({ flow: 'client_credentials' }));
  expect(broker.rows.consents).toMatchObject([
    { how: 'client_credentials', actor: 'api_key:importer', address: '192.0.2.1', end: null },
  ]);
});

test('a second token set ends the consent before it and names its successor', async () => {
  await imported();
  await broker.importGrant(actor('api_key:second'), 'crm', importedTokens({ accountId: 'A' }));
  const [first, second] = broker.rows.consents;
  expect(first?.end).toEqual({ at: broker.time.now, by: 'replaced', actor: 'api_key:second', replacedBy: second?.id });
  expect(second?.end).toBeNull();
});

type Ending = [by: string, end: (grantId: string) => Promise<unknown>];
const ender = actor('api_key:ender');
const endings: Ending[] = [
  ['revoked', () => broker.revokeGrants(ender, 'crm', { ...plain, reason: null })],
  ['deleted', (grantId) => broker.deleteGrant(ender, 'crm', grantId)],
  ['deleted', () => broker.deleteConnection(ender, 'crm', { confirmDisableWorkflows: false })],
  [
    'disconnected',
    () =>
      broker.editConnection(ender, 'crm', {
        apply: (settings) => ({ ...settings, clientId: 'another' }),
        clientSecret: new Secret('another'),
        ifMatch: undefined,
        isApplied: false,
        confirmDisconnect: true,
      }),
  ],
];
test.each(endings)('a consent that is %s says when and by whom, and outlives its grant', async (by, end) => {
  const grant = await imported();
  await end(grant.id);
  expect(broker.rows.consents).toMatchObject([
    { grantId: grant.id, end: { at: broker.time.now, by, actor: 'api_key:ender', replacedBy: null } },
  ]);
});
