import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { connectionsFile } from '../schemas/connections-file.ts';
import { buildDocument } from './document.ts';
import { toDocument } from './schema-collector.ts';

// Writes openapi.yaml and connections.schema.json. With --check, writes nothing and exits with code 1 if one is out of date.
const root = new URL('../../../', import.meta.url);
const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { version: string };
const document = buildDocument({ version, serverUrl: '/' });
const files = {
  'openapi.yaml': stringify(document, { aliasDuplicateObjects: false, lineWidth: 120 }),
  'connections.schema.json': `${JSON.stringify(toDocument(connectionsFile), null, 2)}\n`,
};

for (const [name, text] of Object.entries(files)) {
  const target = new URL(name, root);
  if (!process.argv.includes('--check')) {
    await writeFile(target, text);
    continue;
  }
  const written = await readFile(target, 'utf8').catch(() => '');
  if (written === text) continue;
  process.stderr.write(`${name} is out of date: run npm run openapi\n`);
  process.exitCode = 1;
}
