import { beforeEach, describe, expect, test } from 'vitest';
import { openClient } from '../../../../src/broker/sealing.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';

const acme = actorOf('acme');
let broker: MemoryBroker;

beforeEach(() => {
  broker = createMemoryBroker();
});

const stored = () => {
  const connection = [...broker.rows.connections.values()][0];
  if (connection === undefined) throw new Error('no connection is stored');
  return connection;
};
const secrets = () => openClient(createMemoryCipher(), stored()).secrets.map((secret) => secret.reveal());
const warnings = async () =>
  (await broker.getConnection(acme, 'crm')).warnings.filter(({ code }) => code === 'client_secret_refused');

function edit(clientSecret: string | undefined, settings = {}) {
  return broker.editConnection(acme, 'crm', {
    apply: (current) => ({ ...current, ...settings }),
    clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
    ifMatch: undefined,
    isApplied: false,
    confirmDisconnect: true,
  });
}

/** Scripts the position of the secret that the provider accepts next. */
function accept(position: number | null): void {
  broker.oauth.script.acceptedSecret = position;
}

/** Each provider call that sends the client secret, as a caller starts it. */
const calls = {
  refresh: async () => {
    await broker.refreshOnDemand(acme, 'crm', { subject: null, accountId: null });
  },
  'code exchange': async () => {
    await broker.completeAuthorization((await walkToCallback(broker, 'acme', { allowAccountChange: true })).hit);
  },
  revocation: async () => {
    await broker.revokeGrants(acme, 'crm', { subject: null, accountId: null, reason: null });
  },
};

describe.each(Object.keys(calls) as (keyof typeof calls)[])('with an old and a new secret, a %s', (kind) => {
  beforeEach(async () => {
    await broker.createConnection(acme, newConnection({}, { clientSecret: new Secret('old') }));
    await broker.importGrant(acme, 'crm', importedTokens());
    await edit('new');
    expect(secrets()).toEqual(['new', 'old']);
  });

  test('that the old one alone achieves keeps both and warns', async () => {
    accept(1);
    const { revision, updatedAt } = stored();
    await calls[kind]();
    expect(secrets()).toEqual(['new', 'old']);
    expect(await warnings()).toHaveLength(1);
    expect(stored()).toMatchObject({ revision, updatedAt, clientSecretRefusedAt: broker.time.now });
  });

  test('that the new one achieves forgets the old one, unless the endpoint may not check it', async () => {
    accept(0);
    await calls[kind]();
    expect(secrets()).toEqual(kind === 'revocation' ? ['new', 'old'] : ['new']);
    expect(await warnings()).toEqual([]);
  });

  test('that fails says nothing about the secrets', async () => {
    accept(null);
    await calls[kind]();
    expect(secrets()).toEqual(['new', 'old']);
    expect(await warnings()).toEqual([]);
  });
});

describe('client_credentials with an old and a new secret', () => {
  beforeEach(async () => {
    const settings = { flow: 'client_credentials' } as const;
    await broker.createConnection(acme, newConnection(settings, { clientSecret: new Secret('old') }));
  });

  test.each([
    [1, ['new', 'old'], 1],
    [0, ['new'], 0],
  ])('an edit whose token comes with secret %i', async (position, kept, warned) => {
    accept(position);
    const view = await edit('new');
    expect(secrets()).toEqual(kept);
    expect(view.warnings.filter(({ code }) => code === 'client_secret_refused')).toHaveLength(warned);
  });
});

describe('an edit of a connection with two secrets', () => {
  beforeEach(async () => {
    await broker.createConnection(acme, newConnection({}, { clientSecret: new Secret('old') }));
    await broker.importGrant(acme, 'crm', importedTokens());
    await edit('mistyped');
    accept(1);
    await calls.refresh();
    expect(await warnings()).toHaveLength(1);
  });

  test('that brings a third secret keeps the one that works, never more than two', async () => {
    await edit('third');
    expect(secrets()).toEqual(['third', 'old']);
    expect(await warnings()).toEqual([]);
  });

  test('that goes back to the old secret tries it first', async () => {
    await edit('old');
    expect(secrets()).toEqual(['old', 'mistyped']);
    expect(await warnings()).toEqual([]);
  });

  test.each([undefined, 'mistyped'])('that keeps the secret (%s) keeps the warning', async (secret) => {
    await edit(secret, { description: 'other' });
    expect(secrets()).toEqual(['mistyped', 'old']);
    expect(await warnings()).toHaveLength(1);
  });

  test('that moves the revocation endpoint to another host never sends an earlier secret there', async () => {
    await edit('third', { revocationUrl: 'https://elsewhere.test/revoke' });
    expect(secrets()).toEqual(['third']);
  });

  test.each([{ clientId: 'other' }, { tokenUrl: 'https://elsewhere.test/token' }])(
    'that moves the client (%o) drops both earlier secrets',
    async (settings) => {
      await edit('third', settings);
      expect(secrets()).toEqual(['third']);
      expect(await warnings()).toEqual([]);
    },
  );
});

test('a database that is away during the note does not fail the refresh', async () => {
  await broker.createConnection(acme, newConnection({}, { clientSecret: new Secret('old') }));
  await broker.importGrant(acme, 'crm', importedTokens());
  await edit('new');
  accept(0);
  broker.clientSecrets.keepNewest = () => Promise.reject(new Error('away'));
  const refreshed = await broker.refreshOnDemand(acme, 'crm', { subject: null, accountId: null });
  expect(refreshed.version).toBe(2);
  expect(broker.backgroundErrors).toHaveLength(1);
});
