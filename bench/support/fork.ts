import { type ChildProcess, fork as forkProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { startArguments } from '../../test/support/broker-process.ts';

export interface Fork<Said> extends AsyncDisposable {
  pid: number;
  said: Said;
}

/** Flags the service runs with: whatever it is compared with gets them too. */
const execArgv = startArguments.filter((argument) => argument.startsWith('--'));

/** Starts a script of this folder as a process of its own, hands it `input`, and waits for its one message. */
export async function fork<Said>(script: string, input: object): Promise<Fork<Said>> {
  const child = forkProcess(join(import.meta.dirname, script), [], { execArgv, env: { PATH: process.env.PATH } });
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  child.once('exit', () => process.off('exit', killWithParent));
  child.send(input);
  const said = await firstMessage<Said>(child, script);
  return {
    pid: child.pid ?? 0,
    said,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function firstMessage<Said>(child: ChildProcess, script: string): Promise<Said> {
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${script} ended without a word`);
  });
  const [said] = (await Promise.race([once(child, 'message'), ended])) as [Said];
  ended.catch(() => {});
  return said;
}

/** The other side: takes the input, and says what comes of it. */
export async function answerParent<Input, Said>(work: (input: Input) => Promise<Said>): Promise<void> {
  const [input] = (await once(process, 'message')) as [Input];
  process.send?.(await work(input));
}
