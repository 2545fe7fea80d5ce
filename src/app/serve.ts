import process from 'node:process';
import { createApp } from '../app.ts';
import type { Config } from '../config.ts';
import { collectWhenQuiet } from './collect-when-quiet.ts';
import { createLog, type Log } from './log.ts';

/** Orchestrators kill after 30 seconds and more; what is not finished by then would not be either way. */
const closeWithinMs = 29_000;

/** Runs the service until a signal ends it. Throws where it cannot run. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  const app = await createApp(config, log);
  const closed = closeOnSignal(app.close, log);
  log.info({ address: app.address, role: config.role }, 'listening');
  try {
    await app.ready;
  } catch (error) {
    if (closed.begun()) return;
    log.fatal({ error }, 'the service cannot run');
    await app.close();
    throw error;
  }
  collectWhenQuiet();
  log.info({ url: `${app.publicUrl}${config.basePath}` }, 'ready');
  if (app.adminKeyFile !== null && process.stderr.isTTY) {
    process.stderr.write(
      `\nToken broker at ${app.publicUrl}${config.basePath}; the administrator's key is in ${app.adminKeyFile}\n`,
    );
  }
}

function closeOnSignal(close: () => Promise<void>, log: Log) {
  let begun = false;
  const end = (signal: NodeJS.Signals) => {
    if (begun) return;
    begun = true;
    log.info({ signal }, 'closing');
    const late = setTimeout(() => {
      log.error('not everything could be finished in time');
      process.exit(1);
    }, closeWithinMs);
    close().then(
      () => {
        clearTimeout(late);
        log.info('closed');
      },
      (error) => {
        log.error({ error }, 'closing failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  return { begun: () => begun };
}
