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
import { cliScript, createCli } from '../support/cli/cli-process.ts';
import { locateNode20 } from '../support/client/node-20.ts';
import { describeWithProgram } from '../support/processes/describe-with-program.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';
import { addConnection, importGrant, type TestConnection } from './connections.ts';

const run = promisify(execFile);
const folder = createTemporaryFolder('cli-package-');
const project = join(folder, 'project');
const installed = join(project, 'node_modules', '@token-broker', 'cli');
const archive = join(folder, `token-broker-cli-${about.version}.tgz`);
const node20 = await locateNode20();

// Compilers and package managers start slowly beside other test files.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let service: Service;
let connection: TestConnection;

beforeAll(async () => {
  await mkdir(project);
  const packed = (async () => {
    const package_ = join(folder, 'package');
    await run(execPath, [join(projectRoot, '.ci', 'build-cli.ts'), package_]);
    await run('npm', ['pack', package_, '--pack-destination', folder]);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'newcomer', private: true }));
    await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', archive], { cwd: project });
  })();
  [service] = await Promise.all([openService(), packed]);
  connection = await addConnection(service);
  await importGrant(service, connection, 86_400);
});
afterAll(async () => {
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Uses the installed command as a person does: with prompts answered by stdin, columns and JSON. */
async function expectUsed(program: string): Promise<void> {
  const cli = createCli({ TOKEN_BROKER_URL: service.broker.url }, [program, join(installed, 'cli', 'launch.js')]);
  const key = `${service.stack.adminKey()}\n`;
  expect(await cli.spawn(['--version'])).toEqual({ code: 0, stdout: `${about.version}\n`, stderr: '' });
  expect((await cli.spawn(['login', '--key-file', '-'], { input: key })).code).toBe(0);
  const list = await cli.spawn(['connections', 'list']);
  expect(list).toMatchObject({ code: 0, stderr: '' });
  expect(list.stdout).toMatch(new RegExp(`^${connection.name} +generic +global +completed `, 'm'));
  const credential = await cli.spawn(['credential', connection.name, '--json']);
  expect(JSON.parse(credential.stdout)).toMatchObject({ connection_name: connection.name, token_type: 'Bearer' });
  expect((await cli.spawn(['complete', '--', 'connections', 'sh'])).stdout).toMatch(/^show\t/);
  expect((await cli.spawn(['connections', 'show', 'no-such'])).code).toBe(3);
  cli.remove();
}

describe('the packed command line', () => {
  test('holds JavaScript alone, and names exact versions of the packages that it imports', () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const others = files.map(({ name }) => name).filter((name) => !name.endsWith('.js'));
    expect(others.toSorted()).toEqual(['README.md', 'package.json']);
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ type: 'module', engines: { node: '>=20.19' } });
    expect(manifest.dependencies).toMatchObject({ commander: about.dependencies.commander });
    expect(Object.values(manifest.dependencies).every((version) => /^\d+\.\d+\.\d+$/.test(String(version)))).toBe(true);
  });

  test('is a command of its project', async () => {
    const command = join(project, 'node_modules', '.bin', 'token-broker');
    const { stdout } = await run(command, ['--help'], { env: { ...env, HOME: folder } });
    expect(stdout).toMatch(/^Usage: token-broker /);
  });

  test('is used on the pinned Node.js', async () => {
    await expectUsed(execPath);
  });
});

describeWithProgram(node20, 'the command line on Node.js 20', () => {
  test('is used from the package', async () => {
    await expectUsed(node20.program);
  });

  test('is refused from its sources in one line', async () => {
    const { code, stdout, stderr } = await createCli({}, [node20.program, cliScript]).spawn(['--help']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^token-broker runs on Node\.js 24\.0 or later, and this is 20\..*\n$/);
  });
});
