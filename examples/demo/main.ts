import process from 'node:process';
import { connect, createConnection, refuse } from './connect.ts';
import { createNarrator } from './narrator.ts';
import { offerConsole } from './offer-console.ts';
import { explainServing } from './serving.ts';
import { createCleanup, type Stage, startProvider, startService } from './stage.ts';
import { fallBack, fetchToken, outliveToken, refreshOnDemand, revoke, surviveOutage } from './use.ts';

type Step = [title: string, run: (stage: Stage) => Promise<void>];

const keepsRunning = process.argv.includes('--serve');

const steps: Step[] = [
  ['Create a connection', createConnection],
  ['Connect an account', connect],
  ['Refuse access', refuse],
  ['Fetch a token and use it', fetchToken],
  ['Refresh on demand', refreshOnDemand],
  ['Fetch after the token expired', outliveToken],
  ['Fetch while the provider is down', surviveOutage],
  ['Organisation first, then global', fallBack],
  ...(keepsRunning ? [] : [['Revoke', revoke] satisfies Step]),
];

const startSteps = 2;
const narrator = createNarrator(startSteps + steps.length);
const cleanup = createCleanup();
const interrupted = Promise.withResolvers<never>();
interrupted.promise.catch(() => {});

class Interrupted extends Error {}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.reject(new Interrupted()));

async function perform(): Promise<void> {
  narrator.title('token-broker: the main flow, end to end, on this machine only');
  narrator.step('Start an OAuth provider');
  const provider = await startProvider(narrator, cleanup);
  narrator.step('Start the broker on its embedded default');
  const stage: Stage = { narrator, provider, ...(await startService(narrator, cleanup)) };
  try {
    for (const [title, run] of steps) {
      narrator.step(title);
      await run(stage);
    }
  } catch (error) {
    narrator.note(`The end of the broker's log:\n${stage.broker.logs().split('\n').slice(-15).join('\n')}`);
    throw error;
  }
  narrator.success('Everything worked.');
  if (keepsRunning) {
    explainServing(stage);
    await offerConsole(stage);
    narrator.line();
    narrator.note('Ctrl-C ends the broker, its database and the provider, and deletes the data directory.');
    const [code] = await stage.broker.ended;
    throw new Error(`the broker ended by itself (exit code ${String(code)})`);
  }
}

async function cleanUp(): Promise<boolean> {
  try {
    await narrator.wait('stopping all processes', cleanup.run());
    return true;
  } catch (error) {
    narrator.failure(`could not clean up: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

let exitCode = 0;
try {
  await Promise.race([perform(), interrupted.promise]);
} catch (error) {
  const wasInterrupted = error instanceof Interrupted;
  // Ctrl-C is the normal end of a served demo.
  exitCode = wasInterrupted ? (keepsRunning ? 0 : 130) : 1;
  if (wasInterrupted) narrator.line();
  else narrator.failure(error instanceof Error ? error.message : String(error));
}
// An interrupted step may wait for a process that has ended. An explicit exit does not wait for it.
process.exit((await cleanUp()) ? exitCode : 1);
