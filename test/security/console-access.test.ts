import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessOf } from '../../src/domain/callers/access.ts';
import { type AttackedConsole, absentPlaces, openAttackedConsole } from '../support/console/attacked-console.ts';
import { addressOf, type ConsoleRoute, consoleRoutes, type Places } from '../support/console/console-routes.ts';
import { type HeldSession, openSession, sameOrigin } from '../support/console/raw-client.ts';
import { operationOf, ownAccess } from '../support/console/route-operations.ts';
import { addConnection, allPermissions, expectStatus } from './scene.ts';

let attacked: AttackedConsole;
beforeAll(async () => {
  attacked = await openAttackedConsole();
});
afterAll(() => attacked?.close());

const routes = (await consoleRoutes()).filter(({ method, access }) => method !== 'HEAD' && access !== null);
const titleOf = ({ method, path }: ConsoleRoute) => `${method} ${path}`;
const guarded = routes.filter(({ access }) => access?.for !== 'session');
const acceptedBy = ({ access }: ConsoleRoute) =>
  [access !== null && 'permission' in access ? access.permission : []].flat();

function send(route: ConsoleRoute, { cookie, csrf }: HeldSession, places: Places, organization?: string) {
  const path = addressOf(route, places, organization);
  if (route.method === 'GET') return attacked.send({ path, headers: { cookie } });
  return attacked.send({ method: 'POST', path, headers: { ...sameOrigin, cookie }, form: { _csrf: csrf } });
}

async function sessionWith(rights: Record<string, unknown>): Promise<HeldSession> {
  return openSession(attacked.send, (await attacked.scene.newKey(rights)).key);
}

describe('each address', () => {
  test('needs what its operation of the API needs, or what is written down for it', () => {
    const declared = Object.fromEntries(routes.map((route) => [titleOf(route), route.access]));
    const expected = Object.fromEntries([
      ...Object.entries(operationOf).map(([title, operation]) => [title, accessOf[operation]]),
      ...Object.entries(ownAccess).map(([title, { access }]) => [title, access]),
    ]);
    expect(declared).toEqual(expected);
  });

  test('refuses a session whose key lacks the permission, and changes nothing', async () => {
    const sessions = new Map<string, HeldSession>();
    const lacking = async (missing: readonly string[]) => {
      const name = missing.join();
      const session =
        sessions.get(name) ??
        (await sessionWith({
          permissions: allPermissions.filter((each) => !missing.includes(each)),
          organizations: '*',
          global: true,
        }));
      sessions.set(name, session);
      return session;
    };
    for (const route of guarded) await lacking(acceptedBy(route));
    const before = await attacked.snapshot();
    for (const route of guarded) {
      const response = await send(route, await lacking(acceptedBy(route)), attacked.places, 'acme');
      expect(response.status, `${titleOf(route)}: ${response.body}`).toBe(403);
      expect(response.body).toContain(acceptedBy(route)[0] ?? '-');
      expect(response.body).not.toContain(attacked.places.grantId);
    }
    expect(await attacked.snapshot()).toEqual(before);
  });

  test('of the installation refuses a key that does not reach all of it', async () => {
    const sessions = [
      await sessionWith({ organizations: ['acme'] }),
      await sessionWith({ organizations: ['acme'], global: true }),
      await sessionWith({ organizations: '*', global: false }),
    ];
    const before = await attacked.snapshot();
    for (const route of guarded.filter(({ access }) => access?.for === 'installation')) {
      for (const session of sessions) {
        expect((await send(route, session, attacked.places)).status, titleOf(route)).toBe(403);
      }
    }
    expect(await attacked.snapshot()).toEqual(before);
  });

  test('that any session may open does nothing for a key that may only fetch', async () => {
    const session = await sessionWith({ permissions: ['credentials:read'], organizations: ['acme'] });
    const ending = ['POST /console/sign-out', 'POST /console/sessions/end-all'];
    const before = await attacked.snapshot();
    for (const route of routes.filter((each) => each.access?.for === 'session' && !ending.includes(titleOf(each)))) {
      const response = await send(route, session, attacked.places, 'acme');
      expect(response.status, titleOf(route)).toBeLessThan(500);
      expect(response.body, titleOf(route)).not.toContain(attacked.places.name);
      expect(response.body, titleOf(route)).not.toContain(attacked.places.grantId);
    }
    expect(await attacked.snapshot()).toEqual(before);
  });
});

describe('a caller of another organisation', () => {
  let stranger: HeldSession;
  /** A grant of `acme`, and one that does not exist, below a connection of `globex`. */
  let grantOfFirst: { places: Places; absent: Places };
  beforeAll(async () => {
    const { places, scene } = attacked;
    stranger = await sessionWith({ organizations: ['globex'] });
    const own = await addConnection(scene, { organization: 'globex' });
    const grant = await scene.api.post(
      `${own.path}/grants`,
      { access_token: 'a', expires_in: 60 },
      { organization: 'globex' },
    );
    expectStatus(grant, 201);
    const { name } = own;
    grantOfFirst = { places: { ...absentPlaces, name, grantId: places.grantId }, absent: { ...absentPlaces, name } };
  });

  test('gets the answer for what does not exist, for every name and id of the first', async () => {
    for (const route of routes.filter(({ path }) => path.includes('{') && !path.includes('/providers/'))) {
      // Any id is that of a workflow, until it is disabled or registered.
      const knowsEveryId = route.path === '/console/workflows/{id}';
      const kinds = [{ places: attacked.places, absent: absentPlaces }];
      if (route.path.includes('{grant_id}')) kinds.push(grantOfFirst);
      for (const organization of ['globex', undefined, 'acme', '']) {
        for (const { places, absent } of kinds) {
          const theirs = await send(route, stranger, places, organization);
          const none = await send(route, stranger, absent, organization);
          const what = `${titleOf(route)} for ${organization}: ${theirs.body}`;
          expect(comparable(theirs, places), what).toEqual(comparable(none, absent));
          if (!knowsEveryId) expect(theirs.status, what).toBeGreaterThan(302);
        }
      }
    }
  });

  test('sees no name, id or count of the first on any page', async () => {
    for (const route of routes.filter(({ method, path }) => method === 'GET' && !path.includes('{'))) {
      for (const organization of ['globex', undefined]) {
        const { body } = await send(route, stranger, attacked.places, organization);
        for (const name of [...Object.values(attacked.places), 'acme']) {
          if (name !== attacked.places.dataKeyId) expect(body, titleOf(route)).not.toContain(name);
        }
      }
    }
  });

  test('may not act for the first: each page that is about an organisation refuses alike', async () => {
    for (const route of routes.filter(({ access }) => access?.for === 'organization')) {
      for (const places of [attacked.places, absentPlaces]) {
        expect((await send(route, stranger, places, 'acme')).status, titleOf(route)).toBe(403);
      }
    }
  });
});

/** Leaves out what differs between any two responses, and the names that the request itself holds. */
function comparable({ status, headers, body }: Awaited<ReturnType<typeof send>>, places: Places) {
  const clean = (text: string) =>
    Object.entries(places)
      .toSorted(([, a], [, b]) => b.length - a.length)
      .reduce((rest, [kind, value]) => rest.replaceAll(value, `{${kind}}`), text)
      .replace(/(?:nonce|value)="[^"]{20,}"/g, '')
      .replace(/<time\b[^>]*>.*?<\/time>/g, '')
      .replace(/request <code>[^<]*<\/code>/g, '');
  return { status, location: headers.location === undefined ? null : clean(headers.location), body: clean(body) };
}
