import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const acme = { organization: 'acme' };
const other = { organization: 'other' };
const isTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const newId = () => uniqueName('w');
const addOwn = () => addConnection(service, acme);
const register = (id: string, connection_name: string, body: object = {}, call = acme) =>
  service.api.post(`/workflows/${id}/dependencies`, { connection_name, ...body }, call);
const disable = (id: string, reason = 'Sends wrong invoices.', call = acme) =>
  service.api.post(`/workflows/${id}/disable`, { reason }, call);
const enable = (id: string, call = acme) => service.api.post(`/workflows/${id}/enable`, undefined, call);
const check = async (id: string, call = acme) => (await service.api.get(`/workflows/${id}`, call)).body;
const neverDisabled = (workflow_id: string) => ({
  workflow_id,
  is_disabled: false,
  disabled_reason: null,
  disabled_at: null,
  disabled_by: null,
  connection_name: null,
  enabled_at: null,
  enabled_by: null,
});

describe('dependencies', () => {
  test('W1: a registration is 201 and listed both ways; repeated it is 200 and takes the new name and access', async () => {
    const [id, { name }] = [newId(), await addOwn()];
    const first = await register(id, name);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      workflow_id: id,
      workflow_name: null,
      connection_name: name,
      connection_organization_id: 'acme',
      registered_at: isTime,
      last_accessed_at: isTime,
    });
    const second = await register(id, name, { workflow_name: 'Invoices' });
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({ workflow_name: 'Invoices', registered_at: first.body.registered_at });
    expect(String(second.body.last_accessed_at) >= String(first.body.last_accessed_at)).toBe(true);
    const third = await register(id, name);
    expect(third.body).toMatchObject({ workflow_name: 'Invoices' });
    expect((await service.api.get(`/workflows/${id}/dependencies`, acme)).body).toEqual({
      dependencies: [third.body],
      next_cursor: null,
    });
    expect((await service.api.get(`/connections/${name}/dependents`, acme)).body).toEqual({
      dependents: [third.body],
      next_cursor: null,
    });
  });

  test('W1: a page names the next one, and every dependency is on exactly one page', async () => {
    const [id, { name }] = [newId(), await addOwn()];
    const workflows = [id, newId(), newId()].toSorted();
    for (const workflow of workflows) await register(workflow, name);
    const names = [name, (await addOwn()).name, (await addOwn()).name];
    for (const each of names) await register(id, each);
    const walk = async (path: string, list: string, member: string) => {
      const found: unknown[] = [];
      let cursor: unknown = '';
      for (let pages = 0; cursor !== null && pages < 9; pages++) {
        const { body } = await service.api.get(`${path}?limit=1&cursor=${String(cursor)}`, acme);
        found.push(...(body[list] as Record<string, unknown>[]).map((each) => each[member]));
        cursor = body.next_cursor;
      }
      return found;
    };
    expect(await walk(`/workflows/${id}/dependencies`, 'dependencies', 'connection_name')).toEqual(names);
    expect(await walk(`/connections/${name}/dependents`, 'dependents', 'workflow_id')).toEqual(workflows);
  });

  test('an unknown connection, and one of another organisation, are connection_not_found', async () => {
    const { name } = await addOwn();
    const theirs = await addConnection(service, other);
    for (const absent of ['absent', theirs.name]) {
      expect(await register(newId(), absent)).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
      expect(await service.api.get(`/connections/${absent}/dependents`, acme)).toMatchObject({ status: 404 });
    }
    expect(await service.api.get(`/connections/${name}/dependents`, other)).toMatchObject({ status: 404 });
  });

  test('below a global connection an organisation sees its own dependencies only', async () => {
    const [id, { name }] = [newId(), await addConnection(service)];
    await register(id, name, { workflow_name: 'Ours' });
    await register(id, name, { workflow_name: 'Theirs' }, other);
    for (const [call, expected] of [
      [acme, 'Ours'],
      [other, 'Theirs'],
    ] as const) {
      const { body } = await service.api.get(`/connections/${name}/dependents`, call);
      expect(body.dependents).toMatchObject([{ workflow_name: expected, connection_organization_id: null }]);
      expect((await service.api.get(`/workflows/${id}/dependencies`, call)).body.dependencies).toHaveLength(1);
    }
    expect((await service.api.get(`/connections/${name}/dependents`)).body.dependents).toEqual([]);
  });
});

describe('disabled workflows', () => {
  test('W3: an unknown workflow is simply not disabled', async () => {
    const id = newId();
    const { status, body } = await service.api.get(`/workflows/${id}`, acme);
    expect(status).toBe(200);
    expect(body).toEqual(neverDisabled(id));
    expect(await enable(id)).toMatchObject({ status: 200, body: neverDisabled(id) });
  });

  test('W2, W3: a workflow is disabled with reason and caller, listed, checked, and enabled again', async () => {
    const id = newId();
    const { status, body } = await disable(id);
    expect(status).toBe(200);
    const disabled = {
      ...neverDisabled(id),
      is_disabled: true,
      disabled_reason: 'Sends wrong invoices.',
      disabled_at: isTime,
      disabled_by: 'bootstrap',
    };
    expect(body).toEqual(disabled);
    expect(await check(id)).toEqual(body);
    const listed = (await service.api.get('/workflows/disabled?limit=200', acme)).body.workflows as unknown[];
    expect(listed).toContainEqual(body);
    const enabled = await enable(id);
    expect(enabled).toMatchObject({ status: 200 });
    expect(enabled.body).toEqual({ ...disabled, is_disabled: false, enabled_at: isTime, enabled_by: 'bootstrap' });
    expect((await enable(id)).body).toEqual(enabled.body);
    const later = (await service.api.get('/workflows/disabled?limit=200', acme)).body.workflows;
    expect(later).not.toContainEqual(expect.objectContaining({ workflow_id: id }));
  });

  test('the list of disabled workflows is walked by its cursor', async () => {
    const ids = [newId(), newId(), newId()].toSorted();
    const call = { organization: uniqueName('org') };
    for (const id of ids) await disable(id, 'x', call);
    const first = (await service.api.get('/workflows/disabled?limit=2', call)).body;
    expect(first.workflows).toMatchObject(ids.slice(0, 2).map((workflow_id) => ({ workflow_id })));
    const rest = (await service.api.get(`/workflows/disabled?limit=2&cursor=${String(first.next_cursor)}`, call)).body;
    expect(rest).toMatchObject({ workflows: [{ workflow_id: ids[2] }], next_cursor: null });
  });

  test('an organisation neither sees nor changes the workflow of another with the same id', async () => {
    const id = newId();
    await disable(id);
    expect(await check(id, other)).toEqual(neverDisabled(id));
    await enable(id, other);
    expect(await check(id)).toMatchObject({ is_disabled: true });
    await disable(id, 'Theirs.', other);
    expect(await check(id)).toMatchObject({ disabled_reason: 'Sends wrong invoices.' });
  });
});

describe('input and rights', () => {
  test.each(['a', '_', '-x', 'A.b:c@d-e_f', '0', 'w'.repeat(200), 'disabled-1', 'x.disabled'])(
    'the workflow id %s is accepted',
    async (id) => {
      expect((await service.api.get(`/workflows/${id}`, acme)).status).toBe(200);
    },
  );

  test.each(['.a', '%20', 'a%2Fb', 'w'.repeat(201), 'a%00', 'ä'])('the workflow id %s is refused', async (id) => {
    expect(await service.api.get(`/workflows/${id}`, acme)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path: 'path.id' }] },
    });
  });

  test('the id disabled is the path of the list and names no workflow', async () => {
    expect((await service.api.get('/workflows/disabled', acme)).body).toHaveProperty('workflows');
    expect(await disable('disabled')).toMatchObject({ status: 400 });
  });

  test.each([
    ['disable', {}],
    ['disable', { reason: '' }],
    ['disable', { reason: 'two\nlines' }],
    ['disable', { reason: 'x', until: 'later' }],
    ['enable', { reason: 'x' }],
    ['dependencies', {}],
    ['dependencies', { connection_name: 'crm', name: 'x' }],
    ['dependencies', { connection_name: 'crm', workflow_name: 'x'.repeat(256) }],
  ])('%s with the body %j is refused', async (action, body) => {
    expect(await service.api.post(`/workflows/w/${action}`, body, acme)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });

  test.each(['cursor=nonsense', 'limit=0', 'limit=201', 'page=2'])('a list refuses the query %s', async (query) => {
    for (const path of ['/workflows/w/dependencies', '/workflows/disabled']) {
      expect(await service.api.get(`${path}?${query}`, acme)).toMatchObject({ status: 400 });
    }
  });

  test('reads need connections:read, changes need workflows:write', async () => {
    const { name } = await addOwn();
    const rights = (permission: string) => ({ permissions: [permission], organizations: ['acme'], global: false });
    const reader = (await service.newKey(rights('connections:read'))).api;
    const writer = (await service.newKey(rights('workflows:write'))).api;
    const reads = [
      '/workflows/w',
      '/workflows/w/dependencies',
      '/workflows/disabled',
      `/connections/${name}/dependents`,
    ];
    for (const path of reads) {
      expect((await reader.get(path)).status).toBe(200);
      expect(await writer.get(path)).toMatchObject({ status: 403, body: { required_permission: 'connections:read' } });
    }
    const writes = { dependencies: { connection_name: name }, disable: { reason: 'x' }, enable: {} };
    for (const [action, body] of Object.entries(writes)) {
      const path = `/workflows/${newId()}/${action}`;
      expect((await writer.post(path, body)).status).toBeLessThan(300);
      expect(await reader.post(path, body)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });
});
