import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, type ConnectionOptions, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const acme = { organization: 'acme' };
/** Limit for a write of the background, which comes every three seconds. */
const written = { timeout: 20_000 };
const newId = () => uniqueName('w');
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

/** A connection at which acme has one live token. */
async function addConnected(owner: ConnectionOptions = acme): Promise<TestConnection> {
  const connection = await addConnection(service, owner);
  const tokens = { access_token: 'a-token', refresh_token: 'r-token', expires_at: inAnHour() };
  const { status } = await service.api.post(`${connection.path}/grants`, tokens, acme);
  expect(status).toBe(201);
  return connection;
}

const fetchAs = (id: string, { credential }: TestConnection, headers: Record<string, string> = {}, call = acme) =>
  service.api.get(credential, { ...call, headers: { 'x-workflow-id': id, ...headers } });
const renewAs = (id: string, { credential }: TestConnection) =>
  service.api.post(
    `${credential}/renew`,
    { rejected_token: 'an-older-token' },
    { ...acme, headers: { 'x-workflow-id': id } },
  );
const dependentsOf = async ({ path }: TestConnection) =>
  (await service.api.get(`${path}/dependents`, acme)).body.dependents as Record<string, unknown>[];
const change = (id: string, action: string, body: object = {}, call = acme) =>
  service.api.post(`/workflows/${id}/${action}`, body, call);

describe('a fetch that names its workflow', () => {
  test.each([
    ['a fetch', fetchAs],
    ['a renew', renewAs],
  ])('T9: %s registers the dependency by itself', async (_name, send) => {
    const [id, connection] = [newId(), await addConnected()];
    expect((await send(id, connection)).status).toBe(200);
    await expect
      .poll(() => dependentsOf(connection), written)
      .toMatchObject([{ workflow_id: id, workflow_name: null }]);
  });

  test('T9: later fetches move last_accessed_at and bring the name; registered_at stays', async () => {
    const [id, connection] = [newId(), await addConnected()];
    await fetchAs(id, connection);
    await expect.poll(() => dependentsOf(connection), written).toHaveLength(1);
    const [first] = await dependentsOf(connection);
    await fetchAs(id, connection, { 'x-workflow-name': 'Invoices' });
    await expect.poll(() => dependentsOf(connection), written).toMatchObject([{ workflow_name: 'Invoices' }]);
    const [second] = await dependentsOf(connection);
    expect(second?.registered_at).toBe(first?.registered_at);
    expect(String(second?.last_accessed_at) > String(first?.last_accessed_at)).toBe(true);
  });

  test.each([
    ['UTF-8', Buffer.from('Rückläufe 退款').toString('latin1'), 'Rückläufe 退款'],
    ['Latin-1', 'R\xfcckl\xe4ufe', 'Rückläufe'],
    ['ASCII', 'Returns', 'Returns'],
  ])('a name in %s is read as it was meant', async (_encoding, header, name) => {
    const [id, connection] = [newId(), await addConnected()];
    await fetchAs(id, connection, { 'x-workflow-name': header });
    await expect.poll(() => dependentsOf(connection), written).toMatchObject([{ workflow_name: name }]);
  });

  test('a fetch below a global connection registers for the organisation that fetched', async () => {
    const [id, connection] = [newId(), await addConnected({})];
    await fetchAs(id, connection);
    await expect.poll(() => dependentsOf(connection), written).toMatchObject([{ workflow_id: id }]);
    const dependencies = async (organization: string | undefined) =>
      (await service.api.get(`/workflows/${id}/dependencies`, { organization })).body.dependencies;
    expect(await dependencies('acme')).toMatchObject([{ connection_organization_id: null }]);
    expect(await dependencies('other')).toEqual([]);
    expect(await dependencies(undefined)).toEqual([]);
  });

  test('a fetch without the header, and one that finds no connection, register nothing', async () => {
    const [id, connection] = [newId(), await addConnected()];
    expect((await service.api.get(connection.credential, acme)).status).toBe(200);
    expect((await service.api.get('/credentials/absent', { ...acme, headers: { 'x-workflow-id': id } })).status).toBe(
      404,
    );
    // A later registration shows that the earlier fetches were written, or not, by now.
    const marker = newId();
    await fetchAs(marker, connection);
    await expect.poll(() => dependentsOf(connection), written).toMatchObject([{ workflow_id: marker }]);
    expect((await service.api.get(`/workflows/${id}/dependencies`, acme)).body.dependencies).toEqual([]);
  });

  test.each([
    ['x-workflow-id', '.a'],
    ['x-workflow-id', 'a b'],
    ['x-workflow-id', 'disabled'],
    ['x-workflow-id', 'w'.repeat(201)],
    ['x-workflow-name', 'n'.repeat(256)],
  ])('the header %s: %s is refused', async (header, value) => {
    const connection = await addConnected();
    const headers = { 'x-workflow-id': newId(), [header]: value };
    expect(await service.api.get(connection.credential, { ...acme, headers })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });
});

describe('a disabled workflow', () => {
  test('T9: its fetches are refused with the reason, also from memory, until it is enabled', async () => {
    const [id, connection] = [newId(), await addConnected()];
    // The credential and the state of the workflow are in memory now.
    for (let n = 0; n < 3; n++) expect((await fetchAs(id, connection)).status).toBe(200);
    const { disabled_at } = (await change(id, 'disable', { reason: 'Sends wrong invoices.' })).body;
    const refused = await fetchAs(id, connection);
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({
      code: 'workflow_disabled',
      detail: `The workflow ${id} is disabled: Sends wrong invoices.`,
      disabled_reason: 'Sends wrong invoices.',
      disabled_at,
      connection_name: null,
      next_action: 'reconfigure',
    });
    expect(refused.text).not.toContain('a-token');
    expect(await renewAs(id, connection)).toMatchObject({ status: 403, body: { code: 'workflow_disabled' } });
    await change(id, 'disable', { reason: 'Still wrong.' });
    expect((await fetchAs(id, connection)).body).toMatchObject({ disabled_reason: 'Still wrong.' });
    await change(id, 'enable');
    expect((await fetchAs(id, connection)).status).toBe(200);
  });

  test('other workflows, callers without a workflow and other organisations are served as before', async () => {
    const [id, connection] = [newId(), await addConnected()];
    await change(id, 'disable', { reason: 'x' });
    expect((await fetchAs(newId(), connection)).status).toBe(200);
    expect((await service.api.get(connection.credential, acme)).status).toBe(200);
    const theirs = newId();
    await change(theirs, 'disable', { reason: 'x' }, { organization: 'other' });
    expect((await fetchAs(theirs, connection)).status).toBe(200);
  });

  test('it is refused for that reason also if the connection is gone', async () => {
    const [id, connection] = [newId(), await addConnected()];
    await change(id, 'disable', { reason: 'x' });
    await service.api.delete(connection.path, acme);
    expect((await fetchAs(id, connection)).body).toMatchObject({ code: 'workflow_disabled' });
  });

  test('each change of a workflow is in the audit trail, once', async () => {
    const [id, { name }] = [newId(), await addConnected()];
    for (let n = 0; n < 2; n++) await change(id, 'dependencies', { connection_name: name, workflow_name: 'Invoices' });
    await change(id, 'disable', { reason: 'Sends wrong invoices.' });
    for (let n = 0; n < 2; n++) await change(id, 'enable');
    const trail = async (action: string) => {
      const query = `organization_id=acme&action=${action}&limit=50`;
      const { audit_events } = (await service.api.get(`/admin/audit-events?${query}`)).body;
      return (audit_events as { details: Record<string, unknown> }[]).filter(
        ({ details }) => details.workflow_id === id,
      );
    };
    const common = { actor: 'bootstrap', organization_id: 'acme', outcome: 'success' };
    expect(await trail('workflow.registered')).toMatchObject([
      { ...common, connection_name: name, details: { workflow_name: 'Invoices' } },
    ]);
    expect(await trail('workflow.disabled')).toMatchObject([
      { ...common, connection_name: null, details: { reason: 'Sends wrong invoices.' } },
    ]);
    expect(await trail('workflow.enabled')).toHaveLength(1);
  });
});
