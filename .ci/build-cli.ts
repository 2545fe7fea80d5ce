import { execFileSync } from 'node:child_process';
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { readChapter } from './readme-chapter.ts';

// Writes the package @token-broker/cli to dist/cli, or to the folder of the first argument. Node.js strips no types below
// node_modules, so the package holds JavaScript.

const root = join(import.meta.dirname, '..');
const target = process.argv[2] ?? join(root, 'dist', 'cli');
const minimumNode = '20.19';

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
}
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** Packages that the compiled modules import, with the versions of this repository. */
function importedPackages(): Record<string, string> {
  const code = globSync('**/*.js', { cwd: target }).map((file) => readFileSync(join(target, file), 'utf8'));
  const specifiers = code.flatMap((text) => [
    ...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^'.][^']*)'/gm),
    ...text.matchAll(/\bimport\('([^'.][^']*)'\)/g),
  ]);
  const names = specifiers
    .map(([, specifier = '']) => specifier)
    .filter((specifier) => !specifier.startsWith('node:'))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
  return Object.fromEntries([...new Set(names)].toSorted().map((name) => [name, versionOf(name)]));
}

function versionOf(name: string): string {
  const pinned = dependencies[name];
  if (pinned === undefined) throw new Error(`The command line imports ${name}, which is no dependency`);
  return pinned;
}

/** The launcher is plain JavaScript. Compiled modules run on an older Node.js than their sources. */
function writeLauncher(): void {
  const source = readFileSync(join(root, 'src', 'cli', 'launch.js'), 'utf8');
  const text = replaced(replaced(source, "'24.0'", `'${minimumNode}'`), "'./main.ts'", "'./main.js'");
  const file = join(target, 'cli', 'launch.js');
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

function replaced(text: string, old: string, next: string): string {
  if (!text.includes(old)) throw new Error(`src/cli/launch.js has no ${old}`);
  return text.replace(old, next);
}

rmSync(target, { recursive: true, force: true });
const compiler = join(root, 'node_modules', '.bin', 'tsc');
execFileSync(compiler, ['-p', join(root, 'tsconfig.cli.json'), '--outDir', target], { stdio: 'inherit' });
writeLauncher();
const manifest = {
  name: '@token-broker/cli',
  version,
  description: 'Command line of token-broker.',
  type: 'module',
  engines: { node: `>=${minimumNode}` },
  bin: { 'token-broker': 'cli/launch.js' },
  exports: { './package.json': './package.json' },
  dependencies: importedPackages(),
};
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync(join(target, 'README.md'), readChapter('## Command line', manifest.name));
