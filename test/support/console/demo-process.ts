import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';

const root = resolve(import.meta.dirname, '../../..');

export interface ServedDemo {
  /** Value that the demo prints behind a label, such as `API key`. */
  printed(label: string): string;
  stop(): Promise<void>;
}

/** Runs the demo as the README says, until it serves. */
export async function serveDemo(): Promise<ServedDemo> {
  const child = spawn(process.execPath, ['examples/demo/main.ts', '--serve'], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const killWithParent = () => child.kill('SIGTERM');
  process.once('exit', killWithParent);
  child.once('close', () => process.off('exit', killWithParent));
  const output = await readUntil(child, 'Ctrl-C ends the broker', ended);
  return {
    printed(label) {
      const value = new RegExp(`^\\s*${label} {2,}(\\S.*)$`, 'm').exec(output)?.[1];
      if (value === undefined) throw new Error(`the demo prints no ${label}:\n${output}`);
      return value;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function readUntil(child: ChildProcess, end: string, ended: Promise<unknown>): Promise<string> {
  const found = Promise.withResolvers<void>();
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes(end)) found.resolve();
    });
  await Promise.race([
    found.promise,
    ended.then(() => Promise.reject(new Error(`the demo ended before it served:\n${output}`))),
  ]);
  return output;
}
