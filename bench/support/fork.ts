import { type ChildProcess, fork as forkProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { startArguments } from '../../test/support/processes/broker-process.ts';

export interface Fork<Report> extends AsyncDisposable {
  pid: number;
  report: Report;
}

/** Node flags of the service. The baselines run with the same flags. */
const execArgv = startArguments.filter((argument) => argument.startsWith('--'));

/** Starts a script of this folder as a process of its own, sends it `input` and waits for its one message. */
export async function fork<Report>(script: string, input: object): Promise<Fork<Report>> {
  const child = forkProcess(join(import.meta.dirname, script), [], { execArgv, env: { PATH: process.env.PATH } });
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  child.once('exit', () => process.off('exit', killWithParent));
  child.send(input);
  const report = await firstMessage<Report>(child, script);
  return {
    pid: child.pid ?? 0,
    report,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function firstMessage<Report>(child: ChildProcess, script: string): Promise<Report> {
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${script} ended without a message`);
  });
  const [report] = (await Promise.race([once(child, 'message'), ended])) as [Report];
  ended.catch(() => {});
  return report;
}

/** Runs in the forked process: receives the input and sends the result of `work`. */
export async function reportToParent<Input, Report>(work: (input: Input) => Promise<Report>): Promise<void> {
  const [input] = (await once(process, 'message')) as [Input];
  process.send?.(await work(input));
}
