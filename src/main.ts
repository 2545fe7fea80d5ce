import process from 'node:process';
import { parseArgs } from 'node:util';
import about from '../package.json' with { type: 'json' };
import type { Config } from './config.ts';

const usage = `usage: node src/launch.js [serve | worker | migrate | health | keys COMMAND]

  serve      runs the service (the default); ROLE selects requests, jobs, or both
  worker     runs the service with ROLE=worker
  migrate    migrates the database to this version
  health     exits with 0 if the service of this configuration is alive
  keys init --dir DIR [--database-url URL] [--redis-url URL]
                        writes encryption-keys and admin-key into DIR; with URLs that have no
                        password also generated passwords and the URLs with them; existing files stay
  keys status           shows the keys of the running service and the progress of a rotation
  keys rotate           rotates the keys of the running service
  keys retire ID [--abandon-ended]
                        removes a data key that nothing uses

  -h, --help            shows this text
  --version             shows the version

Configuration is read from environment variables. README.md lists them.
`;

const commands = ['serve', 'worker', 'migrate', 'health'];

const options = {
  dir: { type: 'string' },
  'database-url': { type: 'string' },
  'redis-url': { type: 'string' },
  'abandon-ended': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} as const;

/** Imports the modules of a command late, so that a short command does not wait for those of the service. */
async function main(): Promise<void> {
  // Every file and folder that this process creates is private, whatever umask it was started with.
  process.umask(0o077);
  const { positionals, values } = parseArgs({ allowPositionals: true, options });
  if (values.help || values.version) {
    process.stdout.write(values.help ? usage : `${about.version}\n`);
    return;
  }
  const command = positionals.join(' ') || 'serve';
  const [noun, ...words] = positionals;
  if (noun === 'keys') return keys(words, values);
  if (!commands.includes(command)) fail(usage);
  if (command === 'health') {
    const { loadListenAddress } = await import('./config/listen-address.ts');
    const { checkHealth } = await import('./app/process/health-check.ts');
    return checkHealth(loadListenAddress());
  }
  const config = await loadOrRecord();
  if (command === 'migrate') {
    const { migrateOnce } = await import('./app/commands.ts');
    return migrateOnce(config);
  }
  const { useCompileCache } = await import('./app/compile-cache.ts');
  useCompileCache(config.dataDir);
  const { serve } = await import('./app/serve.ts');
  return serve(command === 'worker' ? { ...config, role: 'worker' } : config);
}

/** Leaves the faults of a refused configuration where the command doctor finds them. */
async function loadOrRecord(): Promise<Config> {
  const { loadConfig, readStartPlace } = await import('./config.ts');
  try {
    return loadConfig();
  } catch (error) {
    const { recordStartFailure } = await import('./app/process/start-failure.ts');
    recordStartFailure(readStartPlace(), error);
    throw error;
  }
}

interface KeysOptions {
  dir?: string;
  'database-url'?: string;
  'redis-url'?: string;
  'abandon-ended': boolean;
}

async function keys(words: string[], values: KeysOptions): Promise<void> {
  if (words.join(' ') === 'init') {
    if (values.dir === undefined) fail(usage);
    const { initKeys } = await import('./app/commands.ts');
    const { created, exposed } = initKeys(values.dir, { database: values['database-url'], redis: values['redis-url'] });
    process.stdout.write(`${created ? 'keys were written to' : 'the keys were already in'} ${values.dir}\n`);
    for (const path of exposed) process.stderr.write(`${path} belongs to another user and is open to other users\n`);
    return;
  }
  const { readKeysCommand, runKeysCommand } = await import('./app/process/keys-command.ts');
  const command = readKeysCommand(words, values['abandon-ended']);
  if (command === undefined) fail(usage);
  const { loadConfig } = await import('./config.ts');
  const { loadListenAddress } = await import('./config/listen-address.ts');
  process.stdout.write(`${await runKeysCommand(command, loadConfig(), loadListenAddress())}\n`);
}

/** Returns the message alone: other members of a library's error may hold a secret. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}

function fail(message: string): never {
  process.stderr.write(`${message.trimEnd()}\n`);
  process.exit(1);
}

// Node's own report would print every member of the error. Receives unhandled rejections too.
process.on('uncaughtException', (error) => fail(`unhandled: ${messageOf(error)}`));
main().catch((error) => fail(messageOf(error)));
