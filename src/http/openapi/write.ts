import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { buildDocument } from './document.ts';

/** Writes openapi.yaml; with --check only says, by exit code 1, whether it is out of date. */
const target = new URL('../../../openapi.yaml', import.meta.url);
const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const text = stringify(buildDocument({ version, serverUrl: '/' }), { aliasDuplicateObjects: false, lineWidth: 120 });

if (process.argv.includes('--check')) {
  const written = await readFile(target, 'utf8').catch(() => '');
  if (written !== text) {
    process.stderr.write('openapi.yaml does not say what the code does: run npm run openapi\n');
    process.exitCode = 1;
  }
} else {
  await writeFile(target, text);
}
