import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../architecture/source-tree.ts';

/** Connection and address that the snippets of the README name. A test puts its own in their place. */
const named = { connection: 'gmail', address: 'https://gmail.googleapis.com/gmail/v1/users/me/profile' };

/** Returns the code of the README in that language, in order, with the connection and the address of the test. */
export function readmeSnippets(language: string, connection: string, address: string): string[] {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))];
  return blocks.map(([, code = '']) => {
    if (!code.includes(named.connection)) throw new Error(`a snippet in ${language} names no connection: ${code}`);
    // Quoted only: a snippet may use the word as the name of a variable too.
    const quoted = new RegExp(`(['"])${named.connection}\\1`, 'g');
    return code.replaceAll(named.address, address).replace(quoted, `$1${connection}$1`);
  });
}
