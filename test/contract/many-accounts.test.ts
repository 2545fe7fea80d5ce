import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, startAuthorization, type TestConnection } from '../e2e/connections.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

/** The template reads the account from the test URL, which is the userinfo endpoint of the real provider. */
const add = (body: Record<string, unknown> = { multi_account: true }) =>
  addConnection(service, { body: { provider: 'google', ...body } });

/** Signs in as that account, in a browser of its own. */
async function connectAs(connection: TestConnection, login: string, body: Record<string, unknown> = {}) {
  const started = await startAuthorization(service, connection, body);
  await signIn(createBrowser(), started.link, { login });
  return (await service.api.get(`/authorizations/${started.state}`)).body;
}

const fetchOf = (connection: TestConnection, query: Record<string, string> = {}) =>
  service.api.get(`${connection.credential}?${new URLSearchParams(query)}`);
const act = (action: string, connection: TestConnection, body: Record<string, unknown> = {}) =>
  service.api.post(`${connection.path}/${action}`, body);
const tokenOf = async (connection: TestConnection, query: Record<string, string>) =>
  (await fetchOf(connection, query)).body.access_token as string;
async function grantsOf(connection: TestConnection) {
  return (await service.api.get(`${connection.path}/grants`)).body.grants as Record<string, string>[];
}

/** A connection on which one person has connected two accounts. */
async function withTwo(subject?: string) {
  const connection = await add();
  const key = subject === undefined ? {} : { subject };
  for (const login of ['work', 'home']) expect((await connectAs(connection, login, key)).status).toBe('completed');
  return connection;
}

describe('two accounts of one person', () => {
  test('each authorization adds an account, which the provider names: the caller need not know its id', async () => {
    const connection = await withTwo('ada');
    expect(
      (await grantsOf(connection))
        .map(({ account_id, account_name, account_verified, subject }) => [
          subject,
          account_id,
          account_name,
          account_verified,
        ])
        .toSorted(),
    ).toEqual([
      ['ada', 'home', 'Account home', true],
      ['ada', 'work', 'Account work', true],
    ]);
  });

  test('a fetch without account_id lists the accounts with their names, and one with it gets that account', async () => {
    const connection = await withTwo('ada');
    const { status, body } = await fetchOf(connection, { subject: 'ada' });
    expect([status, body.code]).toEqual([409, 'account_ambiguous']);
    expect((body.accounts as string[]).toSorted()).toEqual(['home', 'work']);
    expect(body.account_names).toEqual({ home: 'Account home', work: 'Account work' });
    for (const account_id of body.accounts as string[]) {
      const response = await fetchOf(connection, { subject: 'ada', account_id });
      expect(response.body).toMatchObject({ subject: 'ada', account_id });
      const userinfo = await fetch(service.provider.endpoints.userinfo, {
        headers: { authorization: `Bearer ${response.body.access_token}` },
      });
      expect(((await userinfo.json()) as { sub: string }).sub).toBe(account_id);
    }
    expect(await fetchOf(connection, { subject: 'ada', account_id: 'other' })).toMatchObject({
      status: 404,
      body: { code: 'grant_not_found' },
    });
  });

  test.each(['refresh', 'test'])('%s needs account_id and acts on that account alone', async (action) => {
    const connection = await withTwo();
    expect(await act(action, connection)).toMatchObject({ status: 409, body: { code: 'account_ambiguous' } });
    const before = await tokenOf(connection, { account_id: 'home' });
    expect((await act(action, connection, { account_id: 'work' })).status).toBe(200);
    expect(await tokenOf(connection, { account_id: 'home' })).toBe(before);
    const acted = (await grantsOf(connection)).filter(({ last_refresh_at }) => last_refresh_at !== null);
    expect(acted.map(({ account_id }) => account_id)).toEqual(action === 'refresh' ? ['work'] : []);
  });

  test('revoking one account leaves the other, which still needs account_id: a revoked grant is not absent', async () => {
    const connection = await withTwo();
    expect((await act('revoke', connection, { account_id: 'work' })).body.revoked).toMatchObject([
      { account_id: 'work' },
    ]);
    expect((await fetchOf(connection, { account_id: 'home' })).status).toBe(200);
    expect(await fetchOf(connection, { account_id: 'work' })).toMatchObject({
      status: 503,
      body: { status_reason: 'revoked' },
    });
    expect((await fetchOf(connection)).status).toBe(409);
  });

  test('deleting one account leaves the other, which then needs no account_id', async () => {
    const connection = await withTwo();
    const work = (await grantsOf(connection)).find(({ account_id }) => account_id === 'work');
    expect((await service.api.delete(`${connection.path}/grants/${work?.grant_id}`)).status).toBe(204);
    expect((await fetchOf(connection)).body.account_id).toBe('home');
  });

  test('reconnecting one account replaces its tokens alone', async () => {
    const connection = await withTwo();
    const [work, home] = [
      await tokenOf(connection, { account_id: 'work' }),
      await tokenOf(connection, { account_id: 'home' }),
    ];
    expect((await connectAs(connection, 'work', { account_id: 'work' })).status).toBe('completed');
    expect(await tokenOf(connection, { account_id: 'work' })).not.toBe(work);
    expect(await tokenOf(connection, { account_id: 'home' })).toBe(home);
    expect(await grantsOf(connection)).toHaveLength(2);
  });

  test('a reconnect of a named account refuses another one, which allow_account_change stores as its own', async () => {
    const connection = await withTwo();
    const before = [
      await tokenOf(connection, { account_id: 'work' }),
      await tokenOf(connection, { account_id: 'home' }),
    ];
    expect(await connectAs(connection, 'third', { account_id: 'work' })).toMatchObject({
      status: 'failed',
      status_reason: 'account_mismatch',
    });
    expect(await grantsOf(connection)).toHaveLength(2);
    const allowed = { account_id: 'work', allow_account_change: true };
    expect(await connectAs(connection, 'third', allowed)).toMatchObject({ status: 'completed', account_id: 'third' });
    const after = [
      await tokenOf(connection, { account_id: 'work' }),
      await tokenOf(connection, { account_id: 'home' }),
    ];
    expect([after, (await grantsOf(connection)).length]).toEqual([before, 3]);
  });
});

describe('the plain case', () => {
  test('a single account needs no account_id, on a connection of many accounts and on a plain one', async () => {
    for (const body of [{ multi_account: true }, {}]) {
      const connection = await add(body);
      expect((await connectAs(connection, 'only')).status).toBe('completed');
      expect((await fetchOf(connection)).body.account_id).toBe('only');
      for (const action of ['test', 'refresh', 'revoke']) expect((await act(action, connection)).status).toBe(200);
    }
  });

  test('without multi_account the account is an attribute: another one is refused unless it may change', async () => {
    const connection = await add({});
    expect((await connectAs(connection, 'first')).status).toBe('completed');
    expect(await connectAs(connection, 'second')).toMatchObject({ status_reason: 'account_mismatch' });
    expect((await fetchOf(connection)).body.account_id).toBe('first');
    expect((await connectAs(connection, 'second', { allow_account_change: true })).status).toBe('completed');
    expect([(await fetchOf(connection)).body.account_id, (await grantsOf(connection)).length]).toEqual(['second', 1]);
  });

  test('one shared grant of a global connection serves every organisation without subject and account', async () => {
    const connection = await add({});
    await connectAs(connection, 'shared');
    const { body } = await service.api.get(connection.credential, { organization: 'acme' });
    expect(body).toMatchObject({ account_id: 'shared', subject: null, grant_organization_id: null });
  });
});

test('what each fetch answers equals a plain model, for any set of subjects and accounts', async () => {
  const subjects = [null, 'u1', 'u2'] as const;
  const accounts = [null, 'a', 'b', 'c'] as const;
  const keys = fc.uniqueArray(fc.tuple(fc.constantFrom(...subjects), fc.constantFrom(...accounts)), {
    selector: (key) => key.join(),
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(keys, async (held) => {
      const connection = await addConnection(service, { body: { multi_account: true } });
      for (const [subject, account_id] of held) {
        const token = { access_token: `of-${subject}-${account_id}`, subject, account_id, expires_in: 3600 };
        expect((await service.api.post(`${connection.path}/grants`, token)).status).toBe(201);
      }
      for (const subject of subjects) {
        for (const account of accounts) {
          const query = { ...(subject && { subject }), ...(account && { account_id: account }) };
          const { status, body } = await fetchOf(connection, query);
          const found = held.filter(([of, id]) => of === subject && (account === null || id === account));
          const [only] = found;
          if (found.length === 1) expect(body.access_token).toBe(`of-${only?.[0]}-${only?.[1]}`);
          else if (found.length > 1) {
            const ids = found.flatMap(([, id]) => (id === null ? [] : [id]));
            expect([status, (body.accounts as string[]).toSorted()]).toEqual([409, ids.toSorted()]);
          } else expect(status).toBe(subject === null && account === null ? 503 : 404);
        }
      }
    }),
    { numRuns: 25 },
  );
});
