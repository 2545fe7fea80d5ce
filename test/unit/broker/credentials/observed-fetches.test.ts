import { beforeEach, expect, test } from 'vitest';
import type { CredentialFetch } from '../../../../src/domain/grants/credential-fetch.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../../support/memory/broker.ts';

let broker: MemoryBroker;
const acme = actorOf('acme');
const trace = { requestId: 'request-1', address: '192.0.2.7' };
const caller = { ...acme, trace };
const plain = {
  connectionName: 'crm',
  subject: null,
  accountId: null,
  minTtlSeconds: 0,
  requiredScopes: [],
  workflow: null,
};

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(acme, newConnection());
  await broker.importGrant(acme, 'crm', importedTokens());
});

type Row = [situation: string, act: () => Promise<unknown>, expected: Partial<CredentialFetch>];
const rows: Row[] = [
  ['a fetch that is served', () => broker.getCredential(caller, plain), { operation: 'fetch', refusal: null }],
  [
    'a fetch of a subject without a grant',
    () => broker.getCredential(caller, { ...plain, subject: 'ann' }),
    { operation: 'fetch', subject: 'ann', refusal: 'grant_not_found', grantId: null, connectionId: null },
  ],
  [
    'a fetch of an unknown connection',
    () => broker.getCredential(caller, { ...plain, connectionName: 'other' }),
    { operation: 'fetch', refusal: 'connection_not_found', grantId: null, connectionId: null },
  ],
  [
    'a fetch outside the caller’s patterns',
    () => broker.getCredential({ ...caller, caller: { ...caller.caller, connections: ['mail*'] } }, plain),
    { operation: 'fetch', refusal: 'forbidden', grantId: null, connectionId: null },
  ],
  [
    'a fetch that lacks a scope',
    () => broker.getCredential(caller, { ...plain, requiredScopes: ['missing'] }),
    { operation: 'fetch', refusal: 'insufficient_scope' },
  ],
  [
    'a renewal of a token that is no longer current',
    () => broker.renewCredential(caller, { ...plain, rejectedToken: new Secret('older') }),
    { operation: 'renew', refusal: null },
  ],
  [
    'a renewal without a grant',
    () => broker.renewCredential(caller, { ...plain, subject: 'ann', rejectedToken: new Secret('older') }),
    { operation: 'renew', subject: 'ann', refusal: 'grant_not_found', grantId: null, connectionId: null },
  ],
];

test.each(rows)('%s is reported once, with caller, origin and outcome', async (_situation, act, expected) => {
  await act().catch(() => undefined);
  const [grant] = broker.rows.grants.values();
  expect(broker.fetches).toEqual([
    expect.objectContaining({
      at: broker.time.now,
      connectionName: expect.any(String),
      subject: null,
      accountId: null,
      connectionId: grant?.connectionId,
      grantId: grant?.id,
      actor: expect.objectContaining({ organizationId: 'acme', trace }),
      ...expected,
    }),
  ]);
});

test('the test of a connection is no fetch: its caller receives no token', async () => {
  await broker.testConnection(acme, 'crm', { subject: null, accountId: null });
  expect(broker.fetches).toEqual([]);
});
