import { mkdirSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { createApp } from './app.ts';
import { ConfigurationError, loadConfig } from './config.ts';
import { KeyUnavailable } from './domain/ports/keys.ts';
import { loadOrCreateKeys } from './embedded/generated-keys.ts';
import { openInstallation } from './embedded/installation.ts';
import { describeError } from './http/error-log.ts';
import { migrate } from './postgres/migrate.ts';

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
  if (command === 'serve') return serve({});
  if (command === 'worker') return serve({ ROLE: 'worker' });
  if (command === 'migrate') return migrateOnce();
  if (command === 'keys init' && values.dir !== undefined) return initKeys(values.dir);
  fail(usage);
}

async function serve(override: Record<string, string>): Promise<void> {
  const config = loadConfig({ ...process.env, ...override });
  const log = createLog(config.logLevel);
  const app = await createApp(config, log);
  const closed = closeOnSignal(app.close, log);
  log.info({ address: app.address, role: config.role }, 'listening');
  try {
    await app.ready;
  } catch (error) {
    if (closed.begun()) return;
    log.fatal({ error: describeError(error) }, 'the service cannot run');
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

function closeOnSignal(close: () => Promise<void>, log: pino.Logger) {
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
        log.error({ error: describeError(error) }, 'closing failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  return { begun: () => begun };
}

async function migrateOnce(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config.logLevel);
  const report = (done: string[]) =>
    log.info({ migrations: done }, done.length > 0 ? 'migrated' : 'nothing to migrate');
  if (config.databaseUrl !== null) return report(await migrate(config.databaseUrl.reveal()));
  const given = { encryptionKeys: config.encryptionKeys, adminKey: config.adminApiKey };
  const installation = await openInstallation({
    dataDir: config.dataDir,
    given,
    log: (level, message, facts = {}) => log[level](facts, message),
  });
  try {
    report(await migrate(installation.databaseUrl.reveal()));
  } finally {
    await installation.close();
  }
}

function initKeys(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const { adminKeyCreated } = loadOrCreateKeys({ dataDir: dir, clusterExists: false });
  process.stdout.write(`${adminKeyCreated ? 'keys were written to' : 'the keys were already in'} ${dir}\n`);
}

function createLog(level: string): pino.Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Members of errors are chosen, never copied: libraries hang whole requests and bodies on theirs.
    serializers: {
      err: (error) => describeError(error),
      error: (error) => (error instanceof Error ? describeError(error) : error),
    },
    redact: {
      paths: ['*.authorization', '*.cookie', '*.access_token', '*.refresh_token', '*.client_secret', '*.password'],
      censor: '[secret]',
    },
  });
}

function messageOf(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof KeyUnavailable) return error.message;
  return error instanceof Error ? error.message : 'unknown error';
}

function fail(message: string): never {
  process.stderr.write(`${message.trimEnd()}\n`);
  process.exit(1);
}

process.on('unhandledRejection', (error) => fail(`unhandled: ${messageOf(error)}`));
main().catch((error) => fail(messageOf(error)));
