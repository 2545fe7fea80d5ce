import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { readChapter } from './readme-chapter.ts';

// Writes the package @token-broker/client to dist/client, or to the folder of the first argument. Node.js strips no types
// below node_modules, so the package holds JavaScript and declarations.

const root = join(import.meta.dirname, '..');
const target = process.argv[2] ?? join(root, 'dist', 'client');

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const manifest = {
  name: '@token-broker/client',
  version,
  description: 'Client of token-broker: access tokens that work, and a fetch that sends them.',
  type: 'module',
  engines: { node: '>=20.19' },
  sideEffects: false,
  exports: {
    '.': { types: './token-broker.d.ts', default: './token-broker.js' },
    './package.json': './package.json',
  },
};

rmSync(target, { recursive: true, force: true });
const compiler = join(root, 'node_modules', '.bin', 'tsc');
execFileSync(compiler, ['-p', join(root, 'tsconfig.client.json'), '--outDir', target], { stdio: 'inherit' });
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync(join(target, 'README.md'), readChapter('## TypeScript client', manifest.name));
