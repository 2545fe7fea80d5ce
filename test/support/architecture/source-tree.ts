import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

export const projectRoot = dirname(dirname(dirname(import.meta.dirname)));

/** Text of each file by its path from the project's root, with slashes. */
export type Tree = ReadonlyMap<string, string>;

export interface Import {
  file: string;
  /** As written. */
  specifier: string;
  kind: 'import' | 're-export';
}

export const staticImport = /^[ \t]*(import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm;
const dynamicImport = /\bimport\(\s*['"]([^'"\n]+)['"]/g;

/** Reads the files below the folders whose names end in `ending`. */
export function readTree(root: string, folders: readonly string[], ending = '.ts'): Tree {
  const files = folders.flatMap((folder) => filesBelow(join(root, folder), ending));
  return new Map(files.map((file) => [relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8')]));
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path, ending);
    return path.endsWith(ending) ? [path] : [];
  });
}

export function importsOf(file: string, text: string): Import[] {
  const code = withoutComments(text);
  const found = [...code.matchAll(staticImport)].map(([, word, specifier = '']): Import => {
    return { file, specifier, kind: word === 'export' ? 're-export' : 'import' };
  });
  const dynamic = [...code.matchAll(dynamicImport)].map(
    ([, specifier = '']): Import => ({ file, specifier, kind: 'import' }),
  );
  return [...found, ...dynamic];
}

/** Removes block and line comments that begin a line; comments name imports in no other place. */
export function withoutComments(text: string): string {
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replace(/^[ \t]*\/\/.*$/gm, '');
}

/** `src/http/routes/x.ts` → http; `src/app.ts` and `src/app/x.ts` → app; `migrations/x.ts` → migrations. */
export function layerOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? second.replace(/\.ts$/, '') : top;
}

/** `src/broker/refresh/x.ts` → refresh; empty for a file that lies directly in its layer. */
export function roomOf(file: string): string {
  const [, , room = '', inside] = file.split('/');
  return inside === undefined ? '' : room;
}

export function isRelative({ specifier }: Import): boolean {
  return specifier.startsWith('.');
}

export function targetOf({ file, specifier }: Import): string {
  return posix.normalize(posix.join(posix.dirname(file), specifier));
}

export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
