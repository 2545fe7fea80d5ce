import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { describeWithProgram } from '../processes/describe-with-program.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';

/** Declares a suite that needs nginx. Without it the suite is skipped by name; with CI=true it fails. */
export function describeWithNginx(name: string, suite: () => void): void {
  describeWithProgram({ title: 'nginx', absence: inject('nginxAbsence') }, name, suite);
}

export interface Nginx {
  stop(): Promise<void>;
}

const startLimitMs = 10_000;

/** Starts nginx on a port of loopback. `server` is the content of its server block. */
export async function startNginx(port: number, server: string): Promise<Nginx> {
  const program = inject('nginx');
  if (program === null) throw new Error('startNginx belongs inside describeWithNginx.');
  const home = createTemporaryFolder('token-broker-nginx-');
  const file = join(home, 'nginx.conf');
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(home, kind)};`,
  );
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${join(home, 'pid')}; error_log stderr;
events {}
http { access_log off; ${folders.join(' ')} server { listen 127.0.0.1:${port}; ${server} } }
`,
  );
  const child = spawn(program, ['-c', file, '-p', home, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = once(child, 'close');
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    process.off('exit', killWithParent);
    rmSync(home, { recursive: true, force: true });
  };
  const until = Date.now() + startLimitMs;
  while (!(await listens(port))) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`nginx did not start:\n${output}`);
    }
    await sleep(20);
  }
  return { stop };
}

async function listens(port: number): Promise<boolean> {
  try {
    await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
