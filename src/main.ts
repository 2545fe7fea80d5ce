import { enableCompileCache } from 'node:module';
import process from 'node:process';
import { parseArgs } from 'node:util';

const usage = `usage: node src/main.ts [serve | worker | migrate | keys init --dir DIR]

  serve      the service (the default); ROLE says whether it answers requests, runs jobs, or both
  worker     serve with ROLE=worker
  migrate    brings the database up to this version's tables
  keys init  writes encryption-keys and admin-key into DIR, where they are not there yet
`;

const neededNode = 24;

/** Each command loads what it needs, after the version is known to do and the cache is there to load it from. */
async function main(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < neededNode) {
    fail(
      `token-broker runs on Node.js ${neededNode} or later, and this is ${process.versions.node}. Use npm start, which brings its own, or install Node.js ${neededNode}.`,
    );
  }
  // Where no cache can be written the sources are compiled anew, as ever.
  enableCompileCache();
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { dir: { type: 'string' } } });
  const command = positionals.join(' ') || 'serve';
  const { loadConfig } = await import('./config.ts');
  if (command === 'serve' || command === 'worker') {
    const { serve } = await import('./app/serve.ts');
    return serve(command === 'worker' ? { ...loadConfig(), role: 'worker' } : loadConfig());
  }
  const { initKeys, migrateOnce } = await import('./app/commands.ts');
  if (command === 'migrate') return migrateOnce(loadConfig());
  if (command !== 'keys init' || values.dir === undefined) fail(usage);
  const said = initKeys(values.dir) ? 'keys were written to' : 'the keys were already in';
  process.stdout.write(`${said} ${values.dir}\n`);
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
