import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { openService, type Service } from './service.ts';

let service: Service;
let folder: ReturnType<typeof createDataDir>;
let file: string;
beforeAll(async () => {
  folder = createDataDir();
  file = join(folder.path, 'connections.yaml');
  service = await openService({ CRM_SECRET: 'the-canary-secret' });
});
afterAll(async () => {
  await service?.close();
  await folder?.remove();
});

interface Declared {
  connection_name: string;
  [field: string]: unknown;
}
const urls = { authorization_url: 'https://provider.example/a', token_url: 'https://provider.example/t' };
const crm: Declared = { connection_name: 'crm', client_id: 'crm-client', client_secret: '$' + '{CRM_SECRET}', ...urls };
const erp: Declared = { connection_name: 'erp', client_id: 'erp-client', ...urls };
const write = (...connections: Declared[]) => writeFileSync(file, JSON.stringify(connections, null, 1));
const read = async (name: string) => (await service.api.get(`/connections/${name}`)).body;

/** Returns the names of the changes that were written since the service exists. */
const changes = async () => {
  const { body } = await service.api.get('/admin/audit-events?actor=connections_file&limit=200');
  return (body.audit_events as { action: string; connection_name: string }[]).map(
    ({ action, connection_name: name }) => `${action} ${name}`,
  );
};
const applyAtStart = () => service.restart({ CONNECTIONS_FILE: file });

/** Starts a second process on the same database, which ends at once or has to be stopped. */
async function startFails(): Promise<string> {
  const other = createDataDir();
  const env = { ...service.stack.env, ALLOW_PRIVATE_NETWORK: 'true', CRM_SECRET: 'the-canary-secret' };
  try {
    await startBroker({ dataDir: other.path, env: { ...env, CONNECTIONS_FILE: file } });
    throw new Error('The service started.');
  } catch (error) {
    return (error as Error).message;
  } finally {
    await other.remove();
  }
}

describe('CONNECTIONS_FILE', () => {
  test('creates its connections, and finds nothing to do at the next start', async () => {
    write(crm, erp);
    await applyAtStart();
    expect(await read('crm')).toMatchObject({
      client_id: 'crm-client',
      has_client_secret: true,
      managed_by: 'connections.yaml',
      drifted: false,
      created_by: 'connections_file',
    });
    const created = await changes();
    expect(created.toSorted()).toEqual(['connection.created crm', 'connection.created erp']);
    const before = await read('crm');
    await applyAtStart();
    expect(await changes()).toEqual(created);
    expect(await read('crm')).toEqual(before);
  });

  test('shows an edit by hand as drift, and undoes it', async () => {
    await service.api.patch('/connections/erp', { description: 'by hand' });
    expect(await read('erp')).toMatchObject({ managed_by: 'connections.yaml', drifted: true, description: 'by hand' });
    await applyAtStart();
    expect(await read('erp')).toMatchObject({ drifted: false, description: null });
    expect((await changes())[0]).toBe('connection.updated erp');
  });

  test('changes a secret that was changed by hand, and tells none', async () => {
    await service.api.patch('/connections/crm', { client_secret: 'another' });
    await applyAtStart();
    expect((await changes())[0]).toBe('connection.updated crm');
    const again = await service.api.patch('/connections/crm?dry_run=true', { client_secret: 'the-canary-secret' });
    expect(again.body.changes).toEqual([]);
    expect(service.broker.logs()).not.toContain('the-canary-secret');
  });

  test('never deletes a connection that is no longer in it', async () => {
    write(crm);
    await applyAtStart();
    expect(await read('erp')).toMatchObject({ managed_by: 'connections.yaml' });
  });

  test('with faults stops the start with one message that lists them all with line and column', async () => {
    writeFileSync(
      file,
      [
        '- connection_name: one',
        '  client_id: x',
        '  color: red',
        '- connection_name: two',
        '  client_id: x',
        '  token_url: http://192.0.2.1.example:99999/',
        '  client_secret: $' + '{ENCRYPTION_KEYS}',
        '- connection_name: three',
        '  client_id: x',
        '  oauth_flow_type: client_credentials',
      ].join('\n'),
    );
    const message = await startFails();
    for (const place of ['  3:3 color', '  6:3 token_url', '  7:3 client_secret: the variable ENCRYPTION_KEYS']) {
      expect(message).toContain(place);
    }
    expect(message).toContain('8:3');
  });

  test('that would disconnect working grants stops the start and changes nothing', async () => {
    const imported = { access_token: 'at', refresh_token: 'rt', expires_in: 3600 };
    expect((await service.api.post('/connections/crm/grants', imported)).status).toBe(201);
    write({ ...crm, client_id: 'another-client' }, { ...erp, description: 'not applied' });
    expect(await startFails()).toContain('crm: the change disconnects 1 working grants');
    expect(await read('crm')).toMatchObject({ client_id: 'crm-client' });
    expect(await read('erp')).toMatchObject({ description: null });
  });

  test('is applied once by processes that start together', async () => {
    const many = Array.from({ length: 20 }, (_, at) => ({ ...erp, connection_name: `many-${at}` }));
    write(...many);
    const others = [createDataDir(), createDataDir()];
    const env = { ...service.stack.env, ALLOW_PRIVATE_NETWORK: 'true', CONNECTIONS_FILE: file };
    const brokers = await Promise.all(others.map(({ path }) => startBroker({ dataDir: path, env })));
    await Promise.all(brokers.map((broker) => broker.stop()));
    await Promise.all(others.map((each) => each.remove()));
    const created = (await changes()).filter((change) => change.includes(' many-'));
    expect(created.toSorted()).toEqual(
      many.map(({ connection_name: name }) => `connection.created ${name}`).toSorted(),
    );
  });
});

describe('managed_by in the API', () => {
  test('is kept by PATCH, marks a write with it as an application, and is dropped by null', async () => {
    const path = '/connections/by-api';
    const created = await service.api.post('/connections', {
      ...erp,
      connection_name: 'by-api',
      managed_by: 'team.yaml',
    });
    expect(created.body).toMatchObject({ managed_by: 'team.yaml', drifted: false });
    const edited = await service.api.patch(path, { description: 'x' });
    expect(edited.body).toMatchObject({ managed_by: 'team.yaml', drifted: true });
    const applied = await service.api.patch(path, { description: null, managed_by: 'team.yaml' });
    expect(applied.body).toMatchObject({ managed_by: 'team.yaml', drifted: false });
    const freed = await service.api.patch(path, { managed_by: null });
    expect(freed.body).toMatchObject({ managed_by: null, drifted: false });
  });
});
