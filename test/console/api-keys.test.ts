import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { type ConsoleClient, signedInConsole } from '../support/console/console-client.ts';

let service: Service;
let admin: ConsoleClient;
const acme = uniqueName('acme');
const keys = '/console/api-keys';

beforeAll(async () => {
  service = await openService();
  admin = await signedIn(service.stack.adminKey());
});
afterAll(() => service?.close());

const signedIn = (key: string) => signedInConsole(service.broker.url, key);

const make = async (client: ConsoleClient, fields: Record<string, string | string[]>) =>
  client.submit(await client.get(`${keys}/new`), 'Make the key', fields);

/** Key that the page shows to copy. */
const keyOn = (html: string) => /<code>(tb_[^<]+)<\/code>/.exec(html)?.[1];

async function listed(name: string) {
  const { body } = await service.api.get('/admin/api-keys');
  const found = (body.api_keys as { name: string; id: string }[]).find((key) => key.name === name);
  if (found === undefined) throw new Error(`no key ${name}`);
  return found as unknown as Record<string, unknown> & { id: string };
}

describe('a new key', () => {
  test('has the chosen rights, and works', async () => {
    const page = await make(admin, {
      name: 'engine',
      permissions: ['credentials:read', 'connections:read'],
      organizations: `${acme}\n globex`,
      connections: 'crm*, mail',
      expires_on: '2099-12-31',
      rate_limit: '600',
    });
    expect(page.status, page.text).toBe(200);
    expect(await listed('engine')).toMatchObject({
      permissions: ['credentials:read', 'connections:read'],
      organizations: [acme, 'globex'],
      global: false,
      connections: ['crm*', 'mail'],
      expires_at: '2099-12-31T23:59:59.000Z',
      rate_limit_per_minute: 600,
      created_by: 'bootstrap',
    });
    const key = keyOn(page.html) ?? '';
    expect((await service.as(key).get('/connections', { organization: acme })).status).toBe(200);
  });

  test('is shown once: in no later page, no address and no line of the log', async () => {
    const page = await make(admin, { name: 'once', permissions: 'connections:read', organizations: acme });
    const key = keyOn(page.html) ?? '';
    const secret = key.slice(-43);
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.url.href).toBe(`${service.broker.url}${keys}`);
    expect(page.links.join()).not.toContain(secret);
    const { id } = await listed('once');
    for (const path of [keys, `${keys}?state=all`, `${keys}/${id}/revoke`, '/console/audit']) {
      expect((await admin.get(path)).html).not.toContain(secret);
    }
    expect(service.broker.logs()).not.toContain(secret);
  });

  test('with faults is not made, and the form keeps what was typed', async () => {
    const page = await make(admin, { name: 'faulty', organizations: 'a/b', connections: 'c d%', rate_limit: '0' });
    expect(page.status).toBe(400);
    for (const fault of ['Choose at least one.', '“a/b” is not the id', '“d%” is not a pattern', 'Must be from 1']) {
      expect(page.text).toContain(fault);
    }
    expect(page.forms.find(({ label }) => label === 'Make the key')?.fields).toMatchObject({
      name: 'faulty',
      organizations: 'a/b',
      rate_limit: '0',
    });
    await expect(listed('faulty')).rejects.toThrow('no key');
  });

  test('that reaches nothing or has ended already is refused at its field', async () => {
    const nothing = await make(admin, { name: 'useless', permissions: 'connections:read' });
    expect(nothing.status).toBe(400);
    expect(nothing.text).toContain('Names none, and the key has no right to the global scope either.');
    const over = await make(admin, {
      name: 'over',
      permissions: 'connections:read',
      global: 'on',
      expires_on: '2001-01-01',
    });
    expect(over.text).toContain('Lies in the past.');
  });

  test('never has more than its maker', async () => {
    const rights = {
      permissions: ['admin:write', 'admin:read', 'connections:read'],
      organizations: [acme],
      global: false,
    };
    const maker = await service.newKey({ ...rights, connections: ['crm*'] });
    const client = await signedIn(maker.key);
    const form = await client.get(`${keys}/new`);
    expect(form.text).not.toContain('credentials:read');
    expect(form.text).not.toContain('All organisations');
    const within = { name: 'beyond', permissions: 'connections:read', organizations: acme, connections: 'crm-1' };
    const beyond: Record<string, string>[] = [
      { permissions: 'credentials:read' },
      { organizations: 'globex' },
      { organizations: '', all_organizations: 'on' },
      { global: 'on' },
      { connections: 'mail' },
      { connections: '' },
    ];
    for (const excess of beyond) {
      const page = await client.submit(form, 'Make the key', { ...within, ...excess });
      expect(page.status, JSON.stringify(excess)).toBe(403);
      expect(page.text).toContain('more than its maker has');
    }
    await expect(listed('beyond')).rejects.toThrow('no key');
    expect((await client.submit(form, 'Make the key', within)).status).toBe(200);
  });

  test('may have a hostile name, which is shown as text', async () => {
    const name = '<script>alert(1)</script>"\'&';
    await make(admin, { name, permissions: 'connections:read', organizations: acme });
    const page = await admin.get(keys);
    expect(page.text).toContain(name);
    expect(page.html).not.toContain('<script>alert');
  });
});

describe('revoking', () => {
  test('names the keys that the key made, and revokes them if that is chosen', async () => {
    const parent = await service.newKey({ name: 'parent' });
    await parent.api.post('/admin/api-keys', {
      name: 'child',
      permissions: ['connections:read'],
      organizations: [acme],
    });
    const page = await admin.get(`${keys}/${parent.id}/revoke`);
    expect(page.text).toContain('child');
    const done = await admin.submit(page, 'Revoke the key', { cascade: 'on' });
    expect(done.text).toContain('The key is revoked.');
    expect(await listed('parent')).toMatchObject({ revoked_at: expect.any(String) });
    expect(await listed('child')).toMatchObject({ revoked_at: expect.any(String) });
  });

  test('keeps the keys that it made otherwise', async () => {
    const parent = await service.newKey({ name: 'parent-2' });
    await parent.api.post('/admin/api-keys', {
      name: 'child-2',
      permissions: ['connections:read'],
      organizations: [acme],
    });
    await admin.submit(await admin.get(`${keys}/${parent.id}/revoke`), 'Revoke the key');
    expect(await listed('child-2')).toMatchObject({ revoked_at: null });
  });

  test('the own key ends the session', async () => {
    const own = await service.newKey({ name: 'own' });
    const client = await signedIn(own.key);
    const page = await client.get(`${keys}/${own.id}/revoke`);
    expect(page.text).toContain('You are signed in with this key.');
    const after = await client.submit(page, 'Revoke the key');
    expect(after.url.pathname).toBe('/console/sign-in');
    expect((await client.get(keys)).url.pathname).toBe('/console/sign-in');
  });

  test('needs the right to change keys, and a key within the own rights', async () => {
    const victim = await service.newKey({ name: 'victim' });
    const reader = await signedIn((await service.newKey({ permissions: ['admin:read'] })).key);
    const list = await reader.get(keys);
    expect(list.text).not.toContain('Revoke');
    const _csrf = list.forms.find(({ method }) => method === 'post')?.fields._csrf ?? '';
    expect((await reader.post(`${keys}/${victim.id}/revoke`, { _csrf })).status).toBe(403);
    expect((await reader.post(keys, { _csrf, name: 'x', permissions: 'admin:read' })).status).toBe(403);
    expect((await reader.get(`${keys}/new`)).status).toBe(403);

    const rights = { permissions: ['admin:read', 'admin:write'], organizations: [acme], global: false };
    const narrow = await signedIn((await service.newKey(rights)).key);
    const page = await narrow.get(`${keys}/new`);
    expect((await narrow.get(keys)).text).not.toContain('victim');
    expect((await narrow.get(`${keys}/${victim.id}/revoke`)).status).toBe(404);
    const refused = await narrow.post(`${keys}/${victim.id}/revoke`, {
      _csrf: page.forms.find(({ method }) => method === 'post')?.fields._csrf ?? '',
    });
    expect(refused.status).toBe(404);
    expect(await listed('victim')).toMatchObject({ revoked_at: null });
  });
});
