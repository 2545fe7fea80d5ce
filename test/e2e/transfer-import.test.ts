import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { projectRoot } from '../support/architecture/source-tree.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { createScene, linesOf } from '../support/transfer/scene.ts';
import { startSlowReader } from '../support/transfer/slow-reader.ts';
import { addConnection } from './connections.ts';

let service: Service;
let scene: ReturnType<typeof createScene>;
beforeAll(async () => {
  service = await openService(withoutLaterSweeps);
  scene = createScene(service);
});
afterAll(() => service?.close());

const organization = 'acme';
const expiresAt = new Date(Date.now() + 24 * 60 * 60_000).toISOString();

async function newLines(count: number) {
  const { name } = await addConnection(service, { organization });
  const lines = Array.from({ length: count }, (_, n) => {
    const tokens = { access_token: `access-${name}-${n}`, refresh_token: `refresh-${name}-${n}` };
    for (const token of Object.values(tokens)) scene.secrets.add(token);
    return { connection_name: name, organization_id: organization, subject: `p${n}`, ...tokens, expires_at: expiresAt };
  });
  const served = async (subject: string) =>
    (await service.api.get(`/credentials/${name}?subject=${subject}`, { organization })).body.access_token;
  return { name, lines, served };
}

describe('import FILE', () => {
  test('stores each grant, serves its token, and changes nothing when it is repeated', async () => {
    const { name, lines, served } = await newLines(120);
    const file = scene.writeLines('grants.ndjson', lines);
    const dry = await scene.run(['import', file, '--dry-run']);
    expect(dry).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Dry run, nothing was stored\. 120 lines: 120 created/),
    });
    expect(await served('p0')).toBeUndefined();
    expect(await scene.run(['import', file])).toMatchObject({
      code: 0,
      stdout: '120 lines: 120 created, 0 replaced, 0 unchanged, 0 failed.\n',
      stderr: '',
    });
    expect(await served('p119')).toBe(`access-${name}-119`);
    const again = await scene.run(['import', file, '--ndjson']);
    expect(again.code).toBe(0);
    const results = linesOf(again);
    expect(results).toHaveLength(121);
    expect(results[119]).toMatchObject({ line: 120, action: 'unchanged', code: null, grant_id: expect.any(String) });
    expect(results.at(-1)).toMatchObject({ done: true, lines: 120, unchanged: 120 });
  });

  test('a bad line fails alone, with its number, and the exit code says so', async () => {
    const { lines, served } = await newLines(3);
    const [first, second, third] = lines;
    const bad = ['{"connection_name":', { ...second, access_tokens: 'x' }, { ...second, connection_name: 'absent' }];
    const file = scene.writeLines('bad.ndjson', [first, '', ...bad, third]);
    const { code, stdout, stderr } = await scene.run(['import', file]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '5 lines: 2 created, 0 replaced, 0 unchanged, 3 failed.\n' });
    expect(stderr).toContain('line 3: invalid_request');
    expect(stderr).toContain('line 4: invalid_request; access_tokens');
    expect(stderr).toContain('line 5: connection_not_found');
    expect(await served('p0')).toBe(first?.access_token);
    expect(await served('p2')).toBe(third?.access_token);
    const { stdout: document } = await scene.run(['import', file, '--json']);
    expect(JSON.parse(document)).toMatchObject({ done: true, unchanged: 2, failed: 3, faults: { length: 3 } });
  });

  test('a working grant is replaced only with --replace', async () => {
    const { lines, served } = await newLines(1);
    await scene.run(['import', scene.writeLines('kept.ndjson', lines)]);
    const others = lines.map((line) => ({ ...line, access_token: 'another', refresh_token: 'another-refresh' }));
    const file = scene.writeLines('others.ndjson', others);
    expect(await scene.run(['import', file])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('grant_exists'),
    });
    expect(await served('p0')).toBe(lines[0]?.access_token);
    expect(await scene.run(['import', file, '--replace'])).toMatchObject({ code: 0 });
    expect(await served('p0')).toBe('another');
  });

  test('--verify stops a connection whose client is wrong after one refresh token', async () => {
    const path = `/${uniqueName('verify')}`;
    service.hostile.script(path, json(401, { error: 'invalid_client' }));
    const body = { token_url: `${service.hostile.origin}${path}` };
    const { name } = await addConnection(service, { organization, body });
    const line = (n: number) => ({
      connection_name: name,
      organization_id: organization,
      subject: `p${n}`,
      refresh_token: `r${n}`,
    });
    const file = scene.writeLines('wrong-client.ndjson', [line(0), line(1), line(2)]);
    const { code, stderr } = await scene.run(['import', file, '--verify']);
    expect(code).toBe(1);
    expect(stderr).toContain('line 1: verification_failed (created all the same)');
    expect(stderr).toContain('line 3: verification_failed');
    expect(service.hostile.received.filter((request) => request.path === path)).toHaveLength(1);
  });

  test.each<[string, string[], Record<string, string>, number, RegExp]>([
    ['no file', ['import'], {}, 2, /Name the file/],
    ['an absent file', ['import', 'absent.ndjson'], {}, 2, /absent\.ndjson cannot be read \(ENOENT\)/],
    ['another system', ['import', 'x', '--from', 'other'], {}, 2, /nango, n8n or vault-oauthapp/],
    ['a wrong key', ['import', 'grants.ndjson'], { TOKEN_BROKER_KEY: 'wrong' }, 4, /unauthorized/],
    ['no broker', ['import', 'grants.ndjson'], { TOKEN_BROKER_URL: 'http://127.0.0.1:1' }, 75, /cannot be reached/],
    ['n8n that may run', ['import', 'x', '--from', 'n8n'], {}, 2, /may still refresh/],
  ])('%s is refused with its exit code', async (_what, args, variables, code, message) => {
    expect(await scene.run(args, variables)).toMatchObject({ code, stderr: expect.stringMatching(message) });
  });
});

describe('import - in a process of its own', () => {
  const program = resolve(projectRoot, 'src/cli/launch.js');
  function start(variables: Record<string, string> = {}) {
    const env = { PATH: process.env.PATH, ...scene.environment, ...variables };
    const child = spawn(process.execPath, [program, 'import', '-', '--ndjson'], { cwd: scene.directory, env });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.resume();
    child.stdin.on('error', () => {});
    return { child, ended: once(child, 'close'), seen: () => stdout.split('\n').length - 1, output: () => stdout };
  }

  test('killed in the middle, the same lines again lose none and store none twice', async () => {
    const { name, lines } = await newLines(240);
    const texts = lines.map((line) => `${JSON.stringify(line)}\n`);
    const killed = start();
    killed.child.stdin.write(texts.slice(0, 120).join(''));
    // The rest never arrives: the import is certainly under way.
    await expect.poll(killed.seen, { timeout: 30_000 }).toBeGreaterThanOrEqual(100);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const { body } = await service.api.get(`/connections/${name}/grants?limit=200`, { organization });
    expect((body.grants as unknown[]).length).toBeGreaterThanOrEqual(100);
    const repeated = start();
    repeated.child.stdin.end(texts.join(''));
    expect(await repeated.ended).toEqual([0, null]);
    const summary = JSON.parse(repeated.output().trim().split('\n').at(-1) ?? '');
    expect(summary).toMatchObject({ done: true, lines: 240, failed: 0, replaced: 0 });
    expect(summary.created + summary.unchanged).toBe(240);
    expect(summary.unchanged).toBeGreaterThanOrEqual(100);
  });

  test('holds no more of a long file than is under way', async () => {
    const server = await startSlowReader();
    // The file would not fit.
    const env = { TOKEN_BROKER_URL: server.url, NODE_OPTIONS: '--max-old-space-size=24' };
    const { child, ended, output } = start(env);
    const count = 5000;
    const line = `${JSON.stringify({ connection_name: 'crm', access_token: 'x'.repeat(6000) })}\n`;
    for (let sent = 0; sent < count; sent += 200) {
      if (!child.stdin.write(line.repeat(200))) await Promise.race([once(child.stdin, 'drain'), ended]);
    }
    child.stdin.end();
    expect(await ended).toEqual([0, null]);
    expect(JSON.parse(output().trim().split('\n').at(-1) ?? '')).toMatchObject({
      done: true,
      lines: count,
      created: count,
    });
    await server.close();
  });
});
