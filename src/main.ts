import process from 'node:process';
import { parseArgs } from 'node:util';
import { initKeys, migrateOnce } from './app/commands.ts';
import { createLog, type Log } from './app/log.ts';
import { createApp } from './app.ts';
import { type Config, loadConfig } from './config.ts';

const usage = `usage: node src/main.ts [serve | worker | migrate | keys init --dir DIR]

  serve      the service (the default); ROLE says whether it answers requests, runs jobs, or both
  worker     serve with ROLE=worker
  migrate    brings the database up to this version's tables
  keys init  writes encryption-keys and admin-key into DIR, where they are not there yet
`;

const neededNode = 24;
/** Orchestrators kill after 30 seconds and more; what is not finished by then would not be either way. */
const closeWithinMs = 29_000;

async function main(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < neededNode) {
    fail(
      `token-broker runs on Node.js ${neededNode} or later, and this is ${process.versions.node}. Use npm start, which brings its own, or install Node.js ${neededNode}.`,
    );
  }
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { dir: { type: 'string' } } });
  const command = positionals.join(' ') || 'serve';
  if (command === 'serve') return serve(loadConfig());
  if (command === 'worker') return serve({ ...loadConfig(), role: 'worker' });
  if (command === 'migrate') return migrateOnce(loadConfig());
  if (command === 'keys init' && values.dir !== undefined) {
    process.stdout.write(
      `${initKeys(values.dir) ? 'keys were written to' : 'the keys were already in'} ${values.dir}\n`,
    );
    return;
  }
  fail(usage);
}

async function serve(config: Config): Promise<void> {
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
    fail(messageOf(error));
  }
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

/** The text alone: what hangs on a library's error may hold a secret, and its stack helps nobody who reads a terminal. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}

function fail(message: string): never {
  process.stderr.write(`${message.trimEnd()}\n`);
  process.exit(1);
}

process.on('unhandledRejection', (error) => fail(`unhandled: ${messageOf(error)}`));
main().catch((error) => fail(messageOf(error)));
