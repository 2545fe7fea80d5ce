import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import about from '../../package.json' with { type: 'json' };
import { openService, type Service } from '../contract/service.ts';
import { projectRoot } from '../support/architecture/source-tree.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { locateNode20 } from '../support/client/node-20.ts';
import { readmeSnippets } from '../support/client/readme-snippets.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { findProgram } from '../support/processes/debian-programs.ts';
import { describeWithProgram } from '../support/processes/describe-with-program.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';
import { type HostileProvider, json, startHostileProvider } from '../support/provider/hostile-provider.ts';
import { addConnection, importGrant, type TestConnection } from './connections.ts';

const run = promisify(execFile);
const binaries = join(projectRoot, 'node_modules', '.bin');
const folder = createTemporaryFolder('client-package-');
const packageFolder = join(folder, 'package');
const project = join(folder, 'project');
const archive = join(folder, `token-broker-client-${about.version}.tgz`);
const node20 = await locateNode20();

/** Milliseconds for compilers and package managers, which start slowly beside other test files. */
const slow = 240_000;
vi.setConfig({ testTimeout: slow, hookTimeout: slow });

let service: Service;
let api: HostileProvider;
let elsewhere: HostileProvider;
let connection: TestConnection;

beforeAll(async () => {
  await mkdir(project);
  const packed = (async () => {
    await run(execPath, [join(projectRoot, '.ci', 'build-client.ts'), packageFolder]);
    await run('npm', ['pack', packageFolder, '--pack-destination', folder]);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'newcomer', private: true, type: 'module' }));
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', archive], { cwd: project });
  })();
  [service, api, elsewhere] = await Promise.all([
    openService(),
    startHostileProvider(),
    startHostileProvider(),
    packed,
  ]);
  connection = await addConnection(service);
  await importGrant(service, connection, 86_400);
  api.script('/profile', json(200, { name: 'Ada' }));
});
afterAll(async () => {
  await api?.close();
  await elsewhere?.close();
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program in the empty project, with the variables that the README sets. */
async function runInProject(program: string, args: readonly string[], more: Record<string, string> = {}) {
  const variables = { ...env, BROKER: service.broker.url, KEY: service.stack.adminKey(), ...more };
  return (await run(program, args, { cwd: project, env: variables, timeout: slow })).stdout;
}

function write(name: string, code: string): string {
  writeFileSync(join(project, name), code);
  return name;
}

const lastToken = () => api.received.at(-1)?.headers.authorization;

/** Calls an API whose token is rejected once, in parallel, and one that redirects to another origin. */
const script = `
import { createTokenBroker, NotFound } from '@token-broker/client';
let requests = 0;
const counted = (input, init) => { requests += String(input).startsWith(process.env.BROKER); return fetch(input, init); };
const broker = createTokenBroker({ url: process.env.BROKER, key: process.env.KEY, fetch: counted });
const call = broker.fetchWith(process.env.NAME);
await Promise.all(Array.from({ length: 100 }, () => broker.credential(process.env.NAME)));
const fetched = requests;
const body = new FormData();
body.set('field', 'value');
const rejected = await call(process.env.API + '/rejects-once', { method: 'POST', body });
const redirected = await call(process.env.API + '/redirects');
const absent = await broker.credential('absent').catch((error) => error);
console.log(JSON.stringify({
  version: process.version,
  fetched,
  rejected: rejected.status,
  redirected: await redirected.json(),
  absent: [absent instanceof NotFound, absent.code],
}));
`;

async function useClient(program: string): Promise<unknown> {
  api.script('/rejects-once', json(401, {}), json(200, {}));
  api.script('/redirects', (response) => response.writeHead(302, { location: `${elsewhere.origin}/file` }).end());
  elsewhere.script('/file', json(200, { content: 'here' }));
  const file = write('use-client.mjs', script);
  return JSON.parse(await runInProject(program, [file], { NAME: connection.name, API: api.origin }));
}

function expectUsed(result: unknown, version: RegExp): void {
  expect(result).toEqual({
    version: expect.stringMatching(version),
    fetched: 1,
    rejected: 200,
    redirected: { content: 'here' },
    absent: [true, 'connection_not_found'],
  });
  const [first, second] = api.received.filter(({ path }) => path === '/rejects-once').slice(-2);
  expect(first?.headers.authorization).not.toBe(second?.headers.authorization);
  for (const { body } of [first, second].map((received) => ({ body: received?.body }))) expect(body).toContain('value');
  expect(elsewhere.received.at(-1)?.headers.authorization).toBeUndefined();
}

describe('the packed client', () => {
  test('holds JavaScript and declarations, and has no dependency', () => {
    const installed = join(project, 'node_modules', '@token-broker', 'client');
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
    expect(files).toContain('token-broker.js');
    expect(files.filter((name) => !/\.(js|d\.ts)$/.test(name)).toSorted()).toEqual(['README.md', 'package.json']);
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ type: 'module', sideEffects: false, engines: { node: '>=20.19' } });
    expect(Object.keys(manifest.exports)).toEqual(['.', './package.json']);
    expect(manifest.dependencies).toBeUndefined();
    expect(readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      '@token-broker',
    ]);
  });

  test('passes publint and arethetypeswrong', async () => {
    await run(join(binaries, 'publint'), [archive, '--strict']);
    await run(join(binaries, 'attw'), [archive, '--profile', 'esm-only']);
  });

  test('gives its types to a strict project', async () => {
    const file = write(
      'typed.ts',
      `import { createTokenBroker, type Credential, NotReady } from '@token-broker/client';
       const broker = createTokenBroker({ url: 'https://b.example', key: 'k' });
       export const found: Promise<Credential> = broker.credential('crm', { subject: 'ada' });
       export const same: typeof fetch = broker.fetchWith('crm');
       export const action = new NotReady('m', { code: 'connection_not_ready' }).nextAction;
       // @ts-expect-error: a misspelt option
       void broker.credential('crm', { subjet: 'ada' });`,
    );
    const shared = { strict: true, noEmit: true, skipLibCheck: false, types: [], lib: ['es2022', 'dom'] };
    const compilerOptions = { ...shared, module: 'nodenext', target: 'es2022' };
    const settings = write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }));
    await runInProject(join(binaries, 'tsc'), ['-p', settings]);
  });

  test('is used on the pinned Node.js', async () => {
    expectUsed(await useClient(execPath), /^v24\./);
  });
});

describeWithProgram(node20, 'the packed client on Node.js 20', () => {
  test('is used', async () => {
    expectUsed(await useClient(node20.program), /^v20\./);
  });
});

describe('the README in JavaScript', () => {
  test('calls an API with the token of a connection', async () => {
    const [first = ''] = readmeSnippets('js', connection.name, `${api.origin}/profile`);
    expect(await runInProject(execPath, [write('first.mjs', first)])).toBe("200 { name: 'Ada' }\n");
    expect(lastToken()).toMatch(/^Bearer ./);
  });

  test('lets a person connect who has not', async () => {
    const own = await addConnection(service);
    const [first = '', second = ''] = readmeSnippets('js', own.name, `${api.origin}/profile`);
    const [imports = '', open = ''] = first.split('\n').filter((line) => /^import|createTokenBroker\(/.test(line));
    const file = write('connect.mjs', `${imports}\n${open}\n${second}`);
    const variables = { ...env, BROKER: service.broker.url, KEY: service.stack.adminKey() };
    const running = run(execPath, [file], { cwd: project, env: variables, timeout: slow });
    let output = '';
    running.child.stdout?.on('data', (text: string) => {
      output += text;
    });
    await expect.poll(() => output, { timeout: 30_000 }).toContain('Open http');
    const [, link = ''] = /Open (\S+)/.exec(output) ?? [];
    await signIn(createBrowser(), link, { login: 'ada' });
    expect((await running).stdout).toContain("status: 'completed'");
  });
});

/** Languages that the service does not need: their snippets are skipped by name where they are absent. */
describe('the README in other languages', () => {
  const python = findProgram(['python3']);
  test.skipIf(python === undefined)('in Python calls an API with the token of a connection', async () => {
    const [code = ''] = readmeSnippets('python', connection.name, `${api.origin}/profile`);
    expect(await runInProject(python ?? '', [write('first.py', code)])).toMatch(/^200 \{"name": ?"Ada"\}\n$/);
    expect(lastToken()).toMatch(/^Bearer ./);
    const absent = runInProject(python ?? '', [write('absent.py', code.replaceAll(connection.name, 'absent'))]);
    await expect(absent).rejects.toThrow(/RuntimeError: connection_not_found: /);
  });

  const go = findProgram(['go']);
  test.skipIf(go === undefined)('in Go calls an API with the token of a connection', async () => {
    const [code = ''] = readmeSnippets('go', connection.name, `${api.origin}/profile`);
    const variables = { GOCACHE: join(folder, 'go'), GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' };
    const program = join(folder, 'first');
    await runInProject(go ?? '', ['build', '-o', program, write('first.go', code)], variables);
    expect(await runInProject(program, [])).toMatch(/^200 \{"name": ?"Ada"\}\n$/);
    expect(lastToken()).toMatch(/^Bearer ./);
  });
});
