import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { importAll, importLines, toLines } from './import-lines.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const organization = 'acme';
const expiresAt = new Date(Date.now() + 24 * 60 * 60_000).toISOString();

async function newLines(count: number) {
  const { name } = await addConnection(service, { organization });
  const lines = Array.from({ length: count }, (_, n) => ({
    connection_name: name,
    organization_id: organization,
    subject: `person-${n}`,
    access_token: `access-${n}`,
    refresh_token: `refresh-${n}`,
    // With an expiry, no sweep refreshes the grants meanwhile to learn one.
    expires_at: expiresAt,
  }));
  return { name, lines };
}
const actionsOf = (results: { action: string }[]) => results.map(({ action }) => action);
const grantsOf = async (name: string) =>
  (await service.api.get(`/connections/${name}/grants?limit=200`, { organization })).body.grants as {
    version: number;
  }[];

describe('lines of an import', () => {
  test('each line gets its result, and the second import of the same lines changes nothing', async () => {
    const { name, lines } = await newLines(150);
    const first = await importAll(service, lines);
    expect(new Set(actionsOf(first.results))).toEqual(new Set(['created']));
    expect(first.results.map(({ line }) => line)).toEqual(lines.map((_, n) => n + 1));
    expect(first.summary).toEqual({ done: true, lines: 150, created: 150, replaced: 0, unchanged: 0, failed: 0 });
    const stored = await grantsOf(name);
    for (const query of ['', '?replace=true']) {
      const second = await importAll(service, lines, { query });
      expect(second.summary).toMatchObject({ unchanged: 150, lines: 150 });
      expect(second.results.map(({ grant_id }) => grant_id)).toEqual(first.results.map(({ grant_id }) => grant_id));
    }
    expect(await grantsOf(name)).toEqual(stored);
    const served = await service.api.get(`/credentials/${name}?subject=person-7`, { organization });
    expect(served.body).toMatchObject({ access_token: 'access-7' });
  });

  test('a working grant with other tokens is replaced only with replace=true', async () => {
    const { name, lines } = await newLines(1);
    await importAll(service, lines);
    const others = lines.map((line) => ({ ...line, access_token: 'other', refresh_token: 'other-refresh' }));
    const kept = await importAll(service, others);
    expect(kept.results).toMatchObject([{ action: 'failed', code: 'grant_exists', grant_id: expect.any(String) }]);
    const replaced = await importAll(service, others, { query: '?replace=true' });
    expect(replaced.results).toMatchObject([{ action: 'replaced', code: null }]);
    const { body } = await service.api.get(`/credentials/${name}?subject=person-0`, { organization });
    expect(body).toMatchObject({ access_token: 'other' });
  });

  test('dry_run says what would happen and writes nothing', async () => {
    const { name, lines } = await newLines(3);
    await importAll(service, lines.slice(0, 1));
    const { results, summary } = await importAll(service, lines, { query: '?dry_run=true' });
    expect(actionsOf(results)).toEqual(['unchanged', 'created', 'created']);
    expect(summary).toMatchObject({ created: 2, unchanged: 1 });
    expect(await grantsOf(name)).toHaveLength(1);
  });

  test.each<[string, unknown, string, string]>([
    ['no JSON', '{"connection_name":', 'invalid_request', 'body'],
    ['an array', '[]', 'invalid_request', 'body'],
    ['an unknown member', { access_tokens: 'x' }, 'invalid_request', 'access_tokens'],
    ['a member twice', '{"subject":"a","subject":"b"}', 'invalid_request', 'subject'],
    ['no tokens', { access_token: null, refresh_token: null }, 'invalid_request', 'access_token'],
    ['a verification of its own', { verify: true }, 'invalid_request', 'verify'],
    ['a wrong organisation id', { organization_id: 'a b' }, 'invalid_request', 'organization_id'],
    ['an unknown connection', { connection_name: 'unknown' }, 'connection_not_found', 'connection_name'],
    ['too many bytes', { extra: { long: 'x'.repeat(300_000) } }, 'payload_too_large', 'body'],
  ])('a line with %s fails alone', async (_fault, part, code, path) => {
    const { name, lines } = await newLines(3);
    const [before, changed, after] = lines;
    const bad = typeof part === 'string' ? part : { ...changed, ...(part as object) };
    const { results, summary } = await importAll(service, [before, bad, '', after]);
    expect(results).toMatchObject([
      { line: 1, action: 'created' },
      { line: 2, action: 'failed', code, grant_id: null },
      { line: 4, action: 'created' },
    ]);
    expect(results[1]?.errors[0]?.path).toBe(path);
    expect(summary).toMatchObject({ done: true, created: 2, failed: 1, lines: 3 });
    expect(await grantsOf(name)).toHaveLength(2);
  });

  test('a line that is not UTF-8 fails alone', async () => {
    const { lines } = await newLines(1);
    const body = Buffer.concat([Buffer.from([0x22, 0xff, 0x22, 0x0a]), toLines(lines)]);
    const { results } = await importAll(service, [body].values());
    expect(results).toMatchObject([{ action: 'failed', code: 'invalid_request' }, { action: 'created' }]);
  });

  test('any split of the bytes into chunks gives the same results', async () => {
    const { lines } = await newLines(4);
    const bytes = toLines([...lines, 'no JSON', '', { connection_name: 'ü' }]);
    const query = '?dry_run=true';
    const whole = await importAll(service, [bytes].values(), { query });
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const ends = [...at.toSorted((a, b) => a - b), bytes.length];
        const chunks = ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end)).filter(({ length }) => length > 0);
        expect(await importAll(service, chunks.values(), { query })).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  test('a result is written before the request has ended', async () => {
    const { lines } = await newLines(2);
    const controller = Promise.withResolvers<void>();
    async function* slowly() {
      yield toLines(lines.slice(0, 1));
      await controller.promise;
      yield toLines(lines.slice(1));
    }
    const { broker, stack } = service;
    const response = await fetch(`${broker.url}/admin/import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.adminKey()}`, 'content-type': 'application/x-ndjson' },
      body: ReadableStream.from(slowly()),
      duplex: 'half',
    } as RequestInit);
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(JSON.parse(Buffer.from(value ?? []).toString())).toMatchObject({ line: 1, action: 'created' });
    controller.resolve();
    const rest: string[] = [];
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read())
      rest.push(Buffer.from(read.value).toString());
    expect(rest.join('')).toContain('"done":true');
  });
});

describe('rights and owners of an import', () => {
  test.each<[string, Record<string, unknown>, number]>([
    ['one organisation', { organizations: [organization], global: true }, 403],
    ['no global scope', { organizations: '*', global: false }, 403],
    ['no admin:write', { permissions: ['admin:read', 'connections:write'] }, 403],
  ])('a key with %s is refused', async (_lack, rights, status) => {
    const { key } = await service.newKey(rights);
    expect((await importLines(service, [], { key })).status).toBe(status);
  });

  test('JSON instead of lines is refused', async () => {
    expect((await service.api.post('/admin/import', {})).status).toBe(415);
  });

  test('a global connection takes lines of organisations only with allow_import, and its own shared grants always', async () => {
    const closed = await addConnection(service, { body: { allow_import: false } });
    const open = await addConnection(service, { body: { allow_import: true } });
    const lineOf = (connection_name: string, organization_id?: string) => ({
      connection_name,
      access_token: 'a',
      ...(organization_id && { organization_id }),
    });
    const { results } = await importAll(service, [
      lineOf(closed.name),
      lineOf(closed.name, organization),
      lineOf(open.name, organization),
    ]);
    expect(results.map(({ action, code }) => [action, code])).toEqual([
      ['created', null],
      ['failed', 'import_not_allowed'],
      ['created', null],
    ]);
  });
});

describe('verify=true', () => {
  test('a connection whose first grant fails loses no further token; other connections go on', async () => {
    const path = `/${uniqueName('verify')}`;
    const body = { token_url: `${service.hostile.origin}${path}` };
    const bad = await addConnection(service, { organization, body });
    const good = await addConnection(service, {
      organization,
      body: { token_url: `${service.hostile.origin}${path}-good` },
    });
    service.hostile.script(path, json(401, { error: 'invalid_client' }));
    service.hostile.script(`${path}-good`, json(200, { access_token: 'new', refresh_token: 'r2', expires_in: 600 }));
    const lineOf = (connection_name: string, subject: string) => ({
      connection_name,
      organization_id: organization,
      subject,
      refresh_token: `r-${subject}`,
    });
    const lines = [bad, good, bad, good].map(({ name }, n) => lineOf(name, `p${n}`));
    const { results } = await importAll(service, lines, { query: '?verify=true' });
    expect(results.map(({ action, code }) => [action, code])).toEqual([
      ['created', 'verification_failed'],
      ['created', null],
      ['failed', 'verification_failed'],
      ['created', null],
    ]);
    expect(await grantsOf(bad.name)).toHaveLength(1);
  });
});
