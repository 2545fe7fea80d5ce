import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, connect, importGrant, type TestConnection } from '../e2e/connections.ts';
import { auditedChanges } from './audited-changes.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

interface Event {
  [member: string]: unknown;
  action: string;
  request_id: string | null;
  details: Record<string, unknown>;
}

const eventsOf = async (query: string): Promise<Event[]> => {
  const { body } = await service.api.get(`/admin/audit-events?limit=200&${query}`);
  return body.audit_events as Event[];
};
const organization = 'acme';
const as = { organization };
const newConnection = (body: Record<string, unknown> = {}) => addConnection(service, { organization, body });
/** A connection with an imported grant. */
async function withGrant(): Promise<TestConnection & { grantId: string }> {
  const connection = await newConnection();
  return { ...connection, grantId: (await importGrant(service, connection, 3600)).grantId };
}

const changes = auditedChanges(() => service);

/** Routes that change nothing of their own: their events are those of fetches, refreshes and callbacks below. */
const withoutOwnEvent = [
  'POST /credentials/{name}/renew',
  'POST /connections/{name}/refresh',
  'POST /authorize/{state}',
  'POST /callback/{name}',
  'POST /callback/{organization_id}/{name}',
];

const wholeInstallation = [
  'grants.imported',
  'sweep.requested',
  'health_run.requested',
  'encryption.rotation_started',
  'encryption.data_key_retired',
];

test('the table names every route that writes', () => {
  const writing = Object.entries(service.document.paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .map((method) => method.toUpperCase())
      .filter((method) => ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
      .map((method) => `${method} ${path}`),
  );
  const named = new Set([...changes.map(({ route }) => route), ...withoutOwnEvent]);
  expect(writing.filter((route) => !named.has(route))).toEqual([]);
});

test.each(changes)(
  '$change writes exactly one event of each action, with actor, organisation, request and address',
  async ({ act, actions, status = 200 }) => {
    const response = await act();
    expect(response.status, response.text).toBe(status);
    const requestId = response.headers.get('x-request-id');
    const own = (await eventsOf('')).filter((event) => event.request_id === requestId);
    expect(own.map(({ action }) => action).sort()).toEqual([...actions].sort());
    for (const event of own) {
      expect(event).toMatchObject({
        actor: 'bootstrap',
        // A change of the whole installation belongs to the global scope.
        organization_id: wholeInstallation.includes(event.action) ? null : organization,
        outcome: 'success',
        address: expect.stringMatching(/127\.0\.0\.1|::1/),
      });
    }
  },
);

test('a refused change writes no event', async () => {
  const { path } = await newConnection();
  const before = await eventsOf(`organization_id=${organization}`);
  expect((await service.api.patch(path, { nonsense: 1 }, as)).status).toBe(400);
  expect((await service.api.patch('/connections/absent', { description: 'x' }, as)).status).toBe(404);
  expect((await service.api.call('PATCH', `${path}?dry_run=true`, { ...as, body: { description: 'x' } })).status).toBe(
    200,
  );
  expect((await eventsOf(`organization_id=${organization}`))[0]?.id).toBe(before[0]?.id);
});

describe('events without a caller’s request', () => {
  test('a callback writes its outcome and the connected grant, with the actor that started it', async () => {
    const connection = await newConnection();
    await connect(service, connection, 'ada');
    const events = await eventsOf(`connection_name=${connection.name}`);
    expect(events.map(({ action }) => action)).toEqual([
      'grant.connected',
      'authorization.callback',
      'authorization.started',
      'connection.created',
    ]);
    const [connected] = events;
    expect(connected).toMatchObject({ actor: 'bootstrap', organization_id: organization, outcome: 'success' });
    expect(connected?.request_id).toMatch(/./);
    expect(connected?.address).toMatch(/./);
  });

  test('a refresh writes one event, with the broker as actor', async () => {
    const connection = await withGrant();
    expect((await service.api.post(`${connection.path}/refresh`, undefined, as)).status).toBe(200);
    expect(await eventsOf(`grant_id=${connection.grantId}&action=grant.refreshed`)).toMatchObject([
      { actor: 'broker', organization_id: organization, outcome: 'success' },
    ]);
  });
});

describe('fetches', () => {
  test('each fetch is in the trail soon after, with caller, connection, grant and origin', async () => {
    const connection = await withGrant();
    const { api, id } = await service.newKey({
      permissions: ['credentials:read'],
      organizations: [organization],
      global: false,
    });
    const served = await api.get(connection.credential);
    const refused = await api.get('/credentials/absent');
    expect([served.status, refused.status]).toEqual([200, 404]);
    const ofCaller = () => eventsOf(`actor=api_key:${id}`);
    await expect.poll(async () => (await ofCaller()).length).toBe(2);
    expect(await ofCaller()).toMatchObject([
      {
        action: 'credential.refused',
        outcome: 'failure',
        connection_name: 'absent',
        grant_id: null,
        request_id: refused.headers.get('x-request-id'),
        details: { code: 'connection_not_found' },
      },
      {
        action: 'credential.fetched',
        outcome: 'success',
        organization_id: organization,
        connection_name: connection.name,
        grant_id: connection.grantId,
        request_id: served.headers.get('x-request-id'),
      },
    ]);
  });

  test('the fetches of the last second are written when the process ends', async () => {
    const connection = await withGrant();
    await Promise.all(Array.from({ length: 30 }, () => service.api.get(connection.credential, as)));
    await service.restart();
    const events = await eventsOf(`grant_id=${connection.grantId}&action=credential.fetched`);
    expect(events.reduce((sum, { details }) => sum + Number(details.fetches ?? 1), 0)).toBe(30);
  });
});
