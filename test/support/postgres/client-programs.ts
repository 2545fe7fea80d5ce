import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { env, getuid } from 'node:process';
import { projectRoot } from '../architecture/source-tree.ts';
import { findProgram } from '../processes/debian-programs.ts';

/** Version of the embedded database. An older pg_dump refuses a newer server. */
const oldestMajor = 18;
/** Release of Debian that has this version, or a later one. */
const release = 'forky';
const cache = join(projectRoot, 'node_modules/.cache');
const unpacked = join(cache, 'postgresql-client');

/** Finds the folder of pg_dump and pg_restore, or unpacks Debian's packages into a folder of their own if possible. */
export function locateClientPrograms(): { folder: string | null; absence: string | null } {
  const folder = findFolder();
  if (folder !== undefined) return { folder, absence: null };
  const absence = `no pg_dump of PostgreSQL ${oldestMajor} or later on the PATH`;
  if (getuid?.() !== 0 || findProgram(['apt-get']) === undefined) return { folder: null, absence };
  try {
    unpackClient();
  } catch (error) {
    return { folder: null, absence: `${absence}, and unpacking it failed: ${(error as Error).message}` };
  }
  return { folder: findFolder() ?? null, absence: findFolder() === undefined ? absence : null };
}

function findFolder(): string | undefined {
  const onPath = findProgram(['pg_dump']);
  const folders = [...(onPath === undefined ? [] : [dirname(onPath)]), ...globSync('/usr/lib/postgresql/*/bin')];
  return [...folders, join(unpacked, 'bin')].find((folder) => {
    const program = join(folder, 'pg_dump');
    if (!existsSync(program)) return false;
    const [, major] = /\) (\d+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
    return Number(major) >= oldestMajor;
  });
}

/** Unpacks the client with every library it needs, because those of this release are too old for it. Installs nothing. */
function unpackClient(): void {
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, 'postgresql-client-'));
  try {
    for (const folder of ['lists/partial', 'archives/partial', 'root/bin']) {
      mkdirSync(join(home, folder), { recursive: true });
    }
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(join(home, 'sources.list'), `deb [signed-by=${keyring}] ${findMirror()} ${release} main\n`);
    // With an empty status every library counts as missing and is fetched.
    writeFileSync(join(home, 'status'), '');
    const settings = {
      'Dir::Etc::sourcelist': join(home, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::State::lists': join(home, 'lists'),
      'Dir::State::status': join(home, 'status'),
      'Dir::Cache::archives': join(home, 'archives'),
      'APT::Sandbox::User': 'root',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const apt = (...words: string[]) =>
      execFileSync('apt-get', ['-qq', ...options, ...words], { stdio: 'ignore', env: { ...env, LANG: 'C' } });
    apt('update');
    apt('install', '--download-only', '--no-install-recommends', '-y', 'postgresql-client');
    const root = join(home, 'root');
    for (const archive of globSync(join(home, 'archives/*.deb'))) execFileSync('dpkg-deb', ['-x', archive, root]);
    for (const name of ['pg_dump', 'pg_restore']) writeStarter(root, name);
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(root, unpacked);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Finds the archive that this host takes its packages from: it holds the other releases too. */
function findMirror(): string {
  const uris = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' }).split('\n');
  const mirror = uris.find((uri) => /\/debian\/?$/.test(uri));
  if (mirror === undefined) throw new Error('apt-get knows no archive of Debian');
  return mirror;
}

/** Starts a program with the loader and the libraries it was unpacked with. */
function writeStarter(root: string, name: string): void {
  const [loader = ''] = globSync(join(root, 'usr/lib/*-linux-gnu/ld-linux-*.so.?'));
  const [program = ''] = globSync(join(root, 'usr/lib/postgresql/*/bin', name));
  const [from, to] = [loader, program].map((path) => `"$root/${relative(root, path)}"`);
  const libraries = `"$root/${relative(root, dirname(loader))}"`;
  const starter = join(root, 'bin', name);
  writeFileSync(starter, `#!/bin/sh\nroot=$(dirname "$0")/..\nexec ${from} --library-path ${libraries} ${to} "$@"\n`);
  chmodSync(starter, 0o755);
}
