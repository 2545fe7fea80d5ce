import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { type ConsoleClient, signedInConsole } from '../support/console/console-client.ts';

let service: Service;
let admin: ConsoleClient;
const acme = uniqueName('acme');

beforeAll(async () => {
  service = await openService();
  admin = await signedIn(service.stack.adminKey());
});
afterAll(() => service?.close());

const signedIn = (key: string) => signedInConsole(service.broker.url, key);

async function member(permissions: string[], rights: Record<string, unknown> = {}): Promise<ConsoleClient> {
  const { key } = await service.newKey({ permissions, organizations: [acme], global: false, ...rights });
  return signedIn(key);
}

describe('providers', () => {
  test('are found by a part of their name', async () => {
    const page = await admin.get('/console/providers?q=gmAIL');
    expect(page.links).toContain('/console/providers/google-gmail');
    expect(page.links).not.toContain('/console/providers/slack');
    expect((await admin.get('/console/providers?q=nothing-like-it')).text).toContain('No template has that name.');
  });

  test('the page of one says what to register, and links to the documentation without a referrer', async () => {
    const client = await member(['connections:read', 'connections:write']);
    const page = await client.get('/console/providers/google-gmail');
    expect(page.text).toContain(`${service.broker.url}/callback/${acme}/{connection_name}`);
    expect(page.text).not.toContain('global scope:');
    expect(page.links).toContain('/console/new-connection?provider=google-gmail');
    expect(page.html).toMatch(/href="https:\/\/[^"]+" rel="noreferrer"/);
    expect(page.text).toContain('client_secret');
  });

  test('every template has its page', async () => {
    const list = await admin.get('/console/providers');
    const pages = list.links.filter((link) => link.startsWith('/console/providers/'));
    expect(pages.length).toBeGreaterThan(30);
    for (const path of pages) expect((await admin.get(path)).status, path).toBe(200);
  });

  test('an unknown one is not found, and the list needs a permission', async () => {
    expect((await admin.get('/console/providers/%3Cb%3E')).status).toBe(404);
    const client = await member(['credentials:read']);
    expect((await client.get('/console/providers')).status).toBe(403);
  });
});

describe('encryption', () => {
  test('the backup of a key is confirmed by name, and the warning ends', async () => {
    const before = await admin.get('/console/encryption');
    expect(before.text).toContain('No backup is confirmed of k1');
    const after = await admin.submit(before, 'I have backed up key k1');
    expect(after.text).toContain('The backup is confirmed.');
    expect(after.text).not.toContain('No backup is confirmed');
    expect(after.text).toMatch(/Confirmed (now|\d+ seconds? ago) by bootstrap/);
    const { body } = await service.api.get('/admin/encryption');
    expect(body.encryption_keys).toMatchObject([{ id: 'k1', backup_confirmed_at: expect.any(String) }]);
  });

  test('a rotation shows its progress, and the old data key can be looked at for removal', async () => {
    const started = await admin.submit(await admin.get('/console/encryption'), 'Start a rotation');
    expect(started.text).toContain('A rotation has begun.');
    await expect
      .poll(async () => (await admin.get('/console/encryption')).text, { timeout: 60_000, interval: 200 })
      .toContain('Finished The last rotation is over.');
    const page = await admin.get('/console/encryption');
    const retire = page.links.find((link) => link.endsWith('/retire')) ?? '';
    const refused = await admin.submit(await admin.get(retire), 'Remove the data key');
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('sealed until a short time ago');
    expect((await admin.get('/console/encryption/data-keys/nothing/retire')).status).toBe(404);
  });

  test('needs the whole installation, and acts need the right to change it', async () => {
    const narrow = await member(['admin:read', 'admin:write']);
    expect((await narrow.get('/console/encryption')).status).toBe(403);
    const reader = await member(['admin:read'], { organizations: '*', global: true });
    const page = await reader.get('/console/encryption');
    expect(page.status).toBe(200);
    expect(page.forms.filter(({ action }) => action.includes('/encryption'))).toEqual([]);
    const _csrf = page.forms.find(({ method }) => method === 'post')?.fields._csrf ?? '';
    for (const path of ['rotate', 'keys/k1/backup', 'data-keys/x/retire']) {
      const refused = await reader.post(`/console/encryption/${path}`, { _csrf, data_key: 'true' });
      expect(refused.status, path).toBe(403);
    }
  });
});

describe('doctor', () => {
  test('shows what each check found, and skips what the visitor may not see', async () => {
    const page = await admin.get('/console/doctor');
    expect(page.status, page.text).toBe(200);
    expect(page.text).toContain('The database answers.');
    const client = await member(['connections:read']);
    const narrow = await client.get('/console/doctor');
    expect(narrow.status).toBe(200);
    expect(narrow.text).toContain('Sign in with admin:read');
  });
});
