import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
const own = uniqueName('own');
const foreign = uniqueName('foreign');
let ownConnection: string;

beforeAll(async () => {
  service = await openService();
  ownConnection = (await addConnection(service, { organization: own })).name;
  await addConnection(service, { organization: foreign });
  await addConnection(service);
});
afterAll(() => service?.close());

interface Event {
  id: string;
  time: string;
  action: string;
  organization_id: string | null;
}
const list = async (query = '', api = service.api) => {
  const { status, body, text } = await api.get(`/admin/audit-events${query}`);
  expect(status, text).toBe(200);
  return body as unknown as { audit_events: Event[]; next_cursor: string | null };
};
const exported = async (query: string, key: string): Promise<Event[]> => {
  const response = await fetch(`${service.broker.url}/admin/audit-events${query}`, {
    headers: { authorization: `Bearer ${key}`, accept: 'application/x-ndjson' },
  });
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const text = await response.text();
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
};
const reader = (rights: Record<string, unknown>) => service.newKey({ permissions: ['admin:read'], ...rights });

describe('GET /admin/audit-events', () => {
  test('events are listed newest first, in pages that hold each once', async () => {
    const all = (await list('?limit=200')).audit_events;
    expect(all.length).toBeGreaterThan(2);
    expect(all.map(({ time }) => time)).toEqual(
      all
        .map(({ time }) => time)
        .sort()
        .reverse(),
    );
    const paged: Event[] = [];
    for (let query = '?limit=1'; ; ) {
      const page = await list(query);
      paged.push(...page.audit_events);
      if (page.next_cursor === null) break;
      query = `?limit=1&cursor=${page.next_cursor}`;
    }
    expect(paged).toEqual(all);
  });

  test('a caller sees the events of its organisations only, in the list and in the export', async () => {
    const rights: [object, (owner: string | null) => boolean][] = [
      [{ organizations: [own], global: false }, (owner) => owner === own],
      [{ organizations: [own, foreign], global: false }, (owner) => owner !== null],
      [{ organizations: [own], global: true }, (owner) => owner !== foreign],
      [{ organizations: '*', global: false }, (owner) => owner !== null],
      [{ organizations: [], global: true }, (owner) => owner === null],
    ];
    for (const [right, maySee] of rights) {
      const { api, key } = await reader({ ...right });
      const seen = (await list('?limit=200', api)).audit_events;
      const all = (await list('?limit=200')).audit_events;
      expect(seen.length).toBeGreaterThan(0);
      expect(seen).toEqual(all.filter(({ organization_id }) => maySee(organization_id)));
      expect(await exported('', key)).toEqual(seen);
    }
  });

  test('another organisation’s events are an empty list for a caller that cannot reach it', async () => {
    const { api, key } = await reader({ organizations: [own], global: false });
    expect((await list(`?organization_id=${foreign}`, api)).audit_events).toEqual([]);
    expect(await exported(`?organization_id=${foreign}`, key)).toEqual([]);
  });

  test('every filter selects, alone and with others', async () => {
    const all = (await list('?limit=200')).audit_events;
    const [newest] = all;
    const filters: [string, (event: Event & Record<string, unknown>) => boolean][] = [
      ['actor=bootstrap', ({ actor }) => actor === 'bootstrap'],
      ['actor=nobody-at-all', () => false],
      ['action=connection.created', ({ action }) => action === 'connection.created'],
      [`organization_id=${own}`, ({ organization_id: owner }) => owner === own],
      [`connection_name=${ownConnection}`, ({ connection_name: name }) => name === ownConnection],
      ['grant_id=no-id', () => false],
      ['outcome=failure', ({ outcome }) => outcome === 'failure'],
      [`from=${newest?.time}`, ({ time }) => time >= String(newest?.time)],
      [`to=${newest?.time}`, ({ time }) => time < String(newest?.time)],
      [
        `organization_id=${own}&action=connection.created&outcome=success`,
        ({ organization_id: owner, action }) => owner === own && action === 'connection.created',
      ],
    ];
    for (const [query, matches] of filters) {
      const expected = all.filter((event) => matches({ ...event }));
      expect((await list(`?limit=200&${query}`)).audit_events, query).toEqual(expected);
      expect(await exported(`?${query}`, service.stack.adminKey()), query).toEqual(expected);
    }
  });

  test.each([
    ['action=nonsense', 'query.action'],
    ['outcome=maybe', 'query.outcome'],
    ['from=yesterday', 'query.from'],
    ['limit=201', 'query.limit'],
    ['cursor=made-up', 'query.cursor'],
    ['organisation_id=acme', 'query.organisation_id'],
  ])('%s is refused', async (query, path) => {
    const { status, body } = await service.api.get(`/admin/audit-events?${query}`);
    expect({ status, errors: body.errors }).toMatchObject({ status: 400, errors: [{ path }] });
  });

  test('the permission admin:read is needed', async () => {
    const { api } = await service.newKey({ permissions: ['connections:read', 'admin:write'] });
    expect((await api.get('/admin/audit-events')).status).toBe(403);
  });
});
