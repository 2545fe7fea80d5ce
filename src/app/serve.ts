import process from 'node:process';
import { createApp } from '../app.ts';
import type { Config } from '../config.ts';
import { createLog } from './log/log.ts';
import { logProcessOutput } from './log/process-output.ts';
import { endOnSignals } from './process/signals.ts';
import { forgetStartFailure, recordStartFailure } from './process/start-failure.ts';
import { welcome } from './process/welcome.ts';

/** Runs the service until a signal ends it. Throws if it cannot start. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  logProcessOutput(log);
  const ending = endOnSignals(log);
  const app = await createApp(config, log, ending.signal).catch((error: unknown) => {
    if (!ending.signal.aborted) {
      recordStartFailure(config, error);
      throw error;
    }
    // A signal ended the start, and everything built so far is closed.
    ending.closeWith(async () => {});
  });
  if (app === undefined) return;
  ending.closeWith(app.close);
  log.info({ address: app.address, role: config.role }, 'listening');
  try {
    await app.ready;
  } catch (error) {
    if (ending.signal.aborted) return;
    log.fatal({ err: error }, 'start failed');
    recordStartFailure(config, error);
    await app.close();
    throw error;
  }
  forgetStartFailure(config);
  const url = `${app.publicUrl}${config.basePath}`;
  log.info({ url }, 'ready');
  const { adminKeyFile: keyFile, adminKeyCreated: isFirstStart } = app;
  if (keyFile === null || !process.stderr.isTTY) return;
  process.stderr.write(`\n${welcome({ url, keyFile, isFirstStart, directory: process.cwd() })}\n`);
}
