import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { arch, env, platform } from 'node:process';
import { promisify } from 'node:util';
import type { NeededProgram } from '../processes/describe-with-program.ts';

const run = promisify(execFile);
const version = '20.20.2';

/** Finds Node.js 20 on the PATH, or downloads it from the npm registry into a folder that later runs use again. */
export async function locateNode20(): Promise<NeededProgram & { program: string }> {
  const title = 'Node.js 20';
  const installed = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  for (const program of installed) if (await isNode20(program)) return { title, program, absence: null };
  const folder = join(tmpdir(), `token-broker-tests-node-${version}`);
  const program = join(folder, 'node_modules', `node-${platform}-${arch}`, 'bin', 'node');
  try {
    if (!existsSync(program)) await download(folder);
    if (await isNode20(program)) return { title, program, absence: null };
    return { title, program: '', absence: 'the downloaded one does not run' };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : 'unknown error';
    return { title, program: '', absence: `none on the PATH, and downloading it failed: ${reason}` };
  }
}

async function download(folder: string): Promise<void> {
  const temporary = await mkdtemp(`${folder}-`);
  try {
    const name = `node-${platform}-${arch}@${version}`;
    await run('npm', ['install', '--prefix', temporary, '--no-save', '--ignore-scripts', name]);
    // A whole folder appears at once: a second run must not find half of a program.
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

async function isNode20(program: string): Promise<boolean> {
  if (!existsSync(program)) return false;
  const { stdout } = await run(program, ['--version']).catch(() => ({ stdout: '' }));
  const [, minor = ''] = /^v20\.(\d+)\./.exec(stdout) ?? [];
  // The client needs 20.19 or later.
  return Number(minor) >= 19;
}
