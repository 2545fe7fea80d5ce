import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkplace, declare, openWorkplace, variable, type Workplace } from './connections-as-code.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
const workplaces: Workplace[] = [];
beforeAll(async () => {
  service = await openService();
});
afterAll(async () => {
  workplaces.forEach(closeWorkplace);
  await service?.close();
});

function open(organization?: string): Workplace {
  const workplace = openWorkplace(service, organization);
  workplaces.push(workplace);
  return workplace;
}
const secret = 'the-canary-secret';
const lines = (text: string) => text.trimEnd().split('\n');
const imported = { access_token: 'at', refresh_token: 'rt', expires_in: 3600 };

describe('plan and apply', () => {
  test('create, change and leave alone, and find nothing to do a second time', async () => {
    const at = open();
    at.environment.CRM_SECRET = secret;
    at.write([declare('crm', { client_secret: variable('CRM_SECRET'), scopes: ['a', 'b'] }), declare('erp')]);
    const first = await at.cli('plan', '--exit-code');
    expect(first).toMatchObject({ code: 2, stderr: '' });
    expect(lines(first.stdout)).toEqual([
      '+ create crm',
      '    provider: "generic"',
      '    oauth_flow_type: "authorization_code"',
      '    client_id: "a-client"',
      '    authorization_url: "https://provider.example/a"',
      '    token_url: "https://provider.example/t"',
      '    scopes: ["a","b"]',
      '    multi_account: false',
      '    share_with_organizations: true',
      '    allow_import: false',
      '    managed_by: "connections.yaml"',
      '    client_secret: set',
      '+ create erp',
      ...lines(first.stdout).slice(13, -1),
      '2 to create, 0 to change, 0 to delete, 0 unchanged',
    ]);
    expect(await at.changes()).toEqual([]);

    const applied = await at.cli('apply', '--yes');
    expect(applied).toMatchObject({ code: 0 });
    expect(lines(applied.stdout).at(-1)).toBe('Done: 2 created, 0 changed, 0 deleted, 0 unchanged, 0 failed');
    expect(await at.read('crm')).toMatchObject({
      organization_id: at.organization,
      has_client_secret: true,
      managed_by: 'connections.yaml',
      drifted: false,
    });
    const created = ['connection.created crm', 'connection.created erp'];
    expect(await at.changes()).toEqual(created);

    const unchanged = '0 to create, 0 to change, 0 to delete, 2 unchanged\n';
    expect(await at.cli('plan', '--exit-code', '--prune')).toMatchObject({ code: 0, stdout: unchanged });
    expect(await at.cli('apply')).toMatchObject({ code: 0, stdout: expect.stringContaining(unchanged) });
    expect(await at.changes()).toEqual(created);

    at.write([declare('crm', { client_secret: variable('CRM_SECRET'), scopes: ['a'] }), declare('erp')]);
    expect(await at.cli('plan')).toMatchObject({
      code: 0,
      stdout: '~ change crm\n    scopes: ["a","b"] -> ["a"]\n0 to create, 1 to change, 0 to delete, 1 unchanged\n',
    });
    expect((await at.cli('apply', '--yes')).code).toBe(0);
    expect(await at.changes()).toEqual([...created, 'connection.updated crm']);
  });

  test('a changed secret is a change that no output shows', async () => {
    const at = open();
    at.environment.CRM_SECRET = secret;
    at.write([declare('crm', { client_secret: variable('CRM_SECRET') })]);
    await at.cli('apply', '--yes');
    at.environment.CRM_SECRET = 'another-canary';
    const runs = [
      await at.cli('plan', '--out', 'plan.json'),
      await at.cli('plan', '--json'),
      await at.cli('apply', '--yes'),
    ];
    expect(runs[0]?.stdout).toContain('~ change crm\n    client_secret: changed\n');
    const shown = JSON.stringify(runs) + readFileSync(join(at.directory, 'plan.json'), 'utf8');
    expect(shown).not.toMatch(/canary/);
    expect((await at.cli('plan', '--exit-code')).code).toBe(0);
  });

  test('an edit by hand shows as drift, and apply undoes it', async () => {
    const at = open();
    at.write([declare('crm')]);
    await at.cli('apply', '--yes');
    await service.api.patch('/connections/crm', { description: 'by hand' }, { organization: at.organization });
    expect(await at.cli('plan', '--exit-code')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining(
        '~ change crm (edited by other means since the file was applied)\n    description: "by hand" -> null\n',
      ),
    });
    expect((await at.cli('apply', '--yes')).code).toBe(0);
    expect(await at.read('crm')).toMatchObject({ description: null, drifted: false });
  });

  test('prune deletes what left this file, and nothing of another file, of a person or of another organisation', async () => {
    const at = open();
    const organization = at.organization;
    const other = open();
    other.write([declare('crm'), declare('gone')]);
    await other.cli('apply', '--yes');
    at.write([declare('crm'), declare('gone')]);
    at.write([declare('theirs')], 'theirs.yaml');
    await at.cli('apply', '--yes');
    await at.cli('apply', '--yes', '-f', 'theirs.yaml');
    await service.api.post('/connections', declare('by-hand'), { organization });
    await service.api.post('/workflows/sync/dependencies', { connection_name: 'gone' }, { organization });
    at.write([declare('crm')]);
    expect((await at.cli('plan', '--exit-code')).code).toBe(0);
    expect(await at.cli('plan', '--exit-code', '--prune')).toMatchObject({
      code: 2,
      stdout: '! disables 1 workflow (gone)\n- delete gone\n0 to create, 0 to change, 1 to delete, 1 unchanged\n',
    });
    expect((await at.cli('apply', '--prune', '--yes')).code).toBe(0);
    const names = async (organization_id: string | undefined) => {
      const { body } = await service.api.get('/connections?include_global=false', { organization: organization_id });
      return (body.connections as { connection_name: string }[]).map(({ connection_name: name }) => name).toSorted();
    };
    expect(await names(organization)).toEqual(['by-hand', 'crm', 'theirs']);
    expect(await names(other.organization)).toEqual(['crm', 'gone']);
  });

  test('a plan says first which grants it ends, and apply ends them only after a confirmation', async () => {
    const at = open('global');
    at.environment.CRM_SECRET = secret;
    const name = uniqueName('crm');
    const fields = { client_secret: variable('CRM_SECRET'), allow_import: true };
    at.write([declare(name, fields)], 'ends.yaml');
    await at.cli('apply', '--yes', '-f', 'ends.yaml');
    for (const organization of ['ends-a', 'ends-b']) {
      expect((await service.api.post(`/connections/${name}/grants`, imported, { organization })).status).toBe(201);
    }
    at.write([declare(name, { ...fields, client_id: 'moved' }), declare(`${name}-2`)], 'ends.yaml');
    const planned = await at.cli('plan', '-f', 'ends.yaml');
    expect(lines(planned.stdout)[0]).toBe(`! disconnects 2 grants in 2 organisations (${name})`);
    const refused = await at.cli('apply', '-f', 'ends.yaml');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await at.read(name)).toMatchObject({ client_id: 'a-client' });
    expect(await at.cli('apply', '-f', 'ends.yaml', '--yes')).toMatchObject({ code: 0 });
    const token = await service.api.get(`/credentials/${name}`, { organization: 'ends-a' });
    expect(token).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
  });
});

describe('a saved plan', () => {
  test('is applied while nothing has moved, is private, and finds nothing to do afterwards', async () => {
    const at = open();
    at.write([declare('crm'), declare('erp')]);
    writeFileSync(join(at.directory, 'plan.json'), 'of yesterday', { mode: 0o644 });
    expect((await at.cli('plan', '--out', 'plan.json')).code).toBe(0);
    expect(statSync(join(at.directory, 'plan.json')).mode & 0o077).toBe(0);
    expect((await at.cli('apply', 'plan.json', '--yes')).code).toBe(0);
    expect(await at.read('erp')).toMatchObject({ managed_by: 'connections.yaml' });
    expect(await at.cli('apply', 'plan.json', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Changed since the plan: crm, erp.'),
    });
  });

  test.each<[what: string, move: (at: Workplace) => unknown, message: string]>([
    ['a connection', edit, 'Changed since the plan: crm.'],
    ['the file', (at) => at.write([declare('crm', { description: 'y' })]), 'is not the file that was planned'],
    ['a secret', (at) => Object.assign(at.environment, { CRM_SECRET: 'z' }), 'Changed since the plan: crm.'],
    ['the organisation', (at) => Object.assign(at.environment, { TOKEN_BROKER_ORGANIZATION: 'x' }), 'The plan is for'],
  ])('is refused if %s has moved since', async (_what, move, message) => {
    const at = open();
    at.environment.CRM_SECRET = secret;
    const fields = { client_secret: variable('CRM_SECRET') };
    at.write([declare('crm', fields)]);
    await at.cli('apply', '--yes');
    at.write([declare('crm', { ...fields, description: 'x' })]);
    await at.cli('plan', '--out', 'plan.json');
    const before = await at.read('crm');
    await move(at);
    const moved = await at.read('crm');
    const refused = await at.cli('apply', 'plan.json', '--yes');
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(message) });
    expect(refused.stderr).toContain('Nothing was changed.');
    expect(await at.read('crm')).toEqual(moved);
    expect(moved.description === null || before.description === null).toBe(true);
  });
});

function edit({ organization }: Workplace) {
  return service.api.patch('/connections/crm', { description: 'by hand' }, { organization });
}

describe('faults', () => {
  test('of placeholders and of syntax are listed with line and column, without a call', async () => {
    const at = open();
    at.environment.TOKEN_BROKER_URL = 'http://127.0.0.1:9';
    at.write(
      [
        '- connection_name: one',
        '  client_id: $' + '{NAME}',
        '- connection_name: two',
        '  client_secret: $' + '{MISSING}',
        '- connection_name: three',
        '  client_secret: $' + '{TOKEN_BROKER_KEY}',
        '- connection_name: one',
      ].join('\n'),
    );
    const { code, stderr } = await at.cli('plan', '--exit-code');
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([
      'connections.yaml:2:3 client_id must not hold a placeholder: only client_secret is filled in',
      'connections.yaml:4:3 client_secret: the variable MISSING is not set',
      'connections.yaml:6:3 client_secret: the variable TOKEN_BROKER_KEY is a secret of token-broker itself',
      'connections.yaml:7:3 connection_name is that of line 1 already',
      'error: connections.yaml has 4 faults. Nothing was changed.',
    ]);
  });

  test('that the API finds are listed with line and column, and none is applied', async () => {
    const at = open();
    at.write(
      [
        '- connection_name: good',
        '  client_id: x',
        '  authorization_url: https://p.example/a',
        '  token_url: https://p.example/t',
        '- connection_name: bad',
        '  client_id: x',
        '  color: red',
        '  scopes: [a, "b c"]',
        '- client_id: x',
        '- connection_name: broken',
        '  client_id: x',
        '  authorization_url: https://p.example/a',
        '  token_url: ftp://p.example/t',
      ].join('\n'),
    );
    const { code, stderr } = await at.cli('apply', '--yes');
    expect(code).toBe(1);
    const places = lines(stderr).map((line) => /^connections\.yaml:(\d+:\d+) (?:\w+: )?([\w.]+)/.exec(line)?.slice(1));
    expect(places.slice(0, -1)).toEqual([
      ['7:3', 'color'],
      ['8:15', 'scopes.1'],
      ['9:3', 'connection_name'],
      ['13:3', 'token_url'],
    ]);
    expect(await at.changes()).toEqual([]);
  });

  test('each kind of failure has its exit code', async () => {
    const at = open();
    const codeOf = async (...args: string[]) => (await at.cli(...args)).code;
    expect(await codeOf('plan', '--exit-code')).toBe(1);
    at.write([declare('crm')]);
    expect(await codeOf('plan', '--unknown')).toBe(2);
    expect(await codeOf('apply', 'connections.yaml', '--yes')).toBe(2);
    expect(await codeOf('apply')).toBe(2);
    writeFileSync(join(at.directory, 'key'), 'wrong');
    expect(await codeOf('plan', '--exit-code', '--key-file', 'key')).toBe(4);
    const { key } = await service.newKey({ permissions: ['connections:read'] });
    writeFileSync(join(at.directory, 'key'), key);
    expect(await codeOf('plan', '--exit-code', '--key-file', 'key')).toBe(4);
    expect(await codeOf('plan', '--exit-code', '--url', 'http://127.0.0.1:9')).toBe(75);
    expect(await at.changes()).toEqual([]);
  });
});
