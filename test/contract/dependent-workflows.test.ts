import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import type { Api } from '../support/http/broker-api.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const acme = { organization: 'acme' };
const newId = () => uniqueName('w');
const confirmed = ({ path }: TestConnection, query = '') => `${path}?confirm_disable_workflows=true${query}`;
const stateOf = async (id: string, call: { organization?: string } = acme) =>
  (await service.api.get(`/workflows/${id}`, call)).body;

async function register(id: string, { name }: TestConnection, call: { organization?: string } = acme, title?: string) {
  const body = { connection_name: name, ...(title && { workflow_name: title }) };
  expect((await service.api.post(`/workflows/${id}/dependencies`, body, call)).status).toBe(201);
}

async function connected() {
  const connection = await addConnection(service, acme);
  const { accessToken } = await importGrant(service, connection, 3600);
  return { connection, accessToken };
}

const fetchAs = (id: string, { credential }: TestConnection) =>
  service.api.get(credential, { ...acme, headers: { 'x-workflow-id': id } });

describe('deleting a connection that workflows depend on', () => {
  test('C5: without a confirmation it is refused with their list, and nothing changes', async () => {
    const { connection, accessToken } = await connected();
    const [first, second] = [newId(), newId()].toSorted() as [string, string];
    await register(first, connection, acme, 'First');
    await register(second, connection);
    for (const query of ['', '?confirm_disable_workflows=false']) {
      const response = await service.api.delete(`${connection.path}${query}`, acme);
      expect(response).toMatchObject({ status: 400, body: { code: 'dependent_workflows' } });
      expect(response.body.dependent_workflows).toEqual([
        { workflow_id: first, workflow_name: 'First' },
        { workflow_id: second, workflow_name: null },
      ]);
      expect(response.body.detail).toContain('confirm_disable_workflows=true');
    }
    expect(await fetchAs(first, connection)).toMatchObject({ status: 200, body: { access_token: accessToken } });
    expect(await service.provider.accepts(accessToken)).toBe(true);
    expect(await stateOf(first)).toMatchObject({ is_disabled: false });
  });

  test('C5, T3: confirmed, it ends with its tokens, and every workflow is disabled with the reason and by whom', async () => {
    const { connection, accessToken } = await connected();
    const id = newId();
    await register(id, connection, acme, 'Invoices');
    const response = await service.api.delete(confirmed(connection), acme);
    expect(response).toMatchObject({ status: 200, body: { message: expect.stringContaining(connection.name) } });
    expect(response.body.disabled_workflows).toEqual([{ workflow_id: id, workflow_name: 'Invoices' }]);
    expect(await service.provider.accepts(accessToken)).toBe(false);
    expect((await service.api.get(connection.path, acme)).status).toBe(404);
    expect(await stateOf(id)).toMatchObject({
      is_disabled: true,
      disabled_reason: `The connection ${connection.name} was deleted.`,
      disabled_by: 'bootstrap',
      connection_name: connection.name,
    });
    expect((await service.api.get(`/workflows/${id}/dependencies`, acme)).body).toMatchObject({ dependencies: [] });
    const events = (await service.api.get(`/admin/audit-events?connection_name=${connection.name}&limit=10`)).body;
    expect(events.audit_events).toMatchObject([
      { action: 'connection.deleted', details: { grants: 1, workflows_disabled: 1 } },
      { action: 'workflow.disabled', organization_id: 'acme', details: { workflow_id: id } },
      {},
      {},
      {},
    ]);
  });

  test('a disabled workflow is refused at once, also after a reconnect, until it is enabled', async () => {
    const { connection } = await connected();
    const id = newId();
    await register(id, connection);
    await service.api.delete(confirmed(connection), acme);
    const refused = { status: 403, body: { code: 'workflow_disabled', connection_name: connection.name } };
    expect(await fetchAs(id, connection)).toMatchObject(refused);
    const again = await addConnection(service, { ...acme, body: { connection_name: connection.name } });
    const { accessToken } = await importGrant(service, { ...again, path: connection.path }, 3600);
    expect(await fetchAs(id, connection)).toMatchObject(refused);
    expect((await service.api.post(`/workflows/${id}/enable`, undefined, acme)).status).toBe(200);
    expect(await fetchAs(id, connection)).toMatchObject({ status: 200, body: { access_token: accessToken } });
  });

  test('a dry run counts the workflows that the deletion then disables, for every mix of states', async () => {
    const states = fc.array(fc.constantFrom('running', 'disabled', 'enabled again'), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(states, async (mix) => {
        const connection = await addConnection(service, acme);
        for (const state of mix) {
          const id = newId();
          await register(id, connection);
          if (state === 'running') continue;
          await service.api.post(`/workflows/${id}/disable`, { reason: 'mine' }, acme);
          if (state === 'enabled again') await service.api.post(`/workflows/${id}/enable`, undefined, acme);
        }
        const preview = await service.api.delete(`${connection.path}?dry_run=true`, acme);
        const alsoPreview = await service.api.delete(confirmed(connection, '&dry_run=true'), acme);
        const expected = mix.filter((state) => state !== 'disabled').length;
        for (const each of [preview, alsoPreview]) {
          expect(each).toMatchObject({ status: 200, body: { effects: { workflows_disabled: expected } } });
        }
        const deleted = await service.api.delete(confirmed(connection), acme);
        expect(deleted.body.disabled_workflows).toHaveLength(expected);
      }),
      { numRuns: 8 },
    );
  });

  test('a workflow that a person had disabled keeps that reason', async () => {
    const connection = await addConnection(service, acme);
    const id = newId();
    await register(id, connection);
    await service.api.post(`/workflows/${id}/disable`, { reason: 'Sends wrong invoices.' }, acme);
    expect((await service.api.delete(confirmed(connection), acme)).body.disabled_workflows).toEqual([]);
    expect(await stateOf(id)).toMatchObject({ disabled_reason: 'Sends wrong invoices.', connection_name: null });
  });
});

describe('deleting a global connection that workflows of several organisations depend on', () => {
  /** Keys by what they reach, and the owners among the dependents whose workflows they see. */
  const keys: [name: string, rights: Record<string, unknown>, sees: (string | undefined)[]][] = [
    ['everything', { organizations: '*', global: true }, [undefined, 'acme', 'globex']],
    ['the global scope', { organizations: [], global: true }, [undefined]],
    ['the global scope and one organisation', { organizations: ['acme'], global: true }, [undefined, 'acme']],
  ];

  test.each(keys)(
    'a key for %s learns their number, names only those it reaches, and disables all',
    async (_, rights, sees) => {
      const connection = await addConnection(service);
      const ids = new Map<string | undefined, string>();
      for (const organization of [undefined, 'acme', 'globex']) {
        const id = newId();
        ids.set(organization, id);
        await register(id, connection, organization === undefined ? {} : { organization });
      }
      const { api }: { api: Api } = await service.newKey(rights);
      const named = (list: unknown) =>
        (list as { workflow_id: string }[]).map(({ workflow_id }) => workflow_id).toSorted();
      const expected = sees.map((organization) => ids.get(organization)).toSorted();
      const refused = await api.delete(connection.path);
      expect(refused.status).toBe(400);
      expect(refused.body.detail).toContain(': 3.');
      expect(named(refused.body.dependent_workflows)).toEqual(expected);
      const preview = await api.delete(`${connection.path}?dry_run=true`);
      expect(preview.body.effects).toMatchObject({ workflows_disabled: 3 });
      expect(named((await api.delete(confirmed(connection))).body.disabled_workflows)).toEqual(expected);
      for (const [organization, id] of ids) {
        const call = organization === undefined ? {} : { organization };
        expect(await stateOf(id, call)).toMatchObject({ is_disabled: true, connection_name: connection.name });
      }
    },
  );

  test('an organisation can neither delete it nor learn who depends on it', async () => {
    const connection = await addConnection(service);
    await register(newId(), connection, { organization: 'globex' });
    for (const path of [connection.path, confirmed(connection), `${connection.path}?dry_run=true`]) {
      const response = await service.api.delete(path, acme);
      expect(response).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    }
  });
});
