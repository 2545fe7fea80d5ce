import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the chapter of the README that explains a package, which is also the README of that package. */
export function readChapter(chapter: string, packageName: string): string {
  const [, text] = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8').split(`\n${chapter}\n`);
  if (text === undefined) throw new Error(`README.md has no chapter "${chapter}"`);
  const [body = ''] = text.split(/\n## /);
  return `# ${packageName}\n\n${body.trim()}\n`;
}
