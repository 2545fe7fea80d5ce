import { posix } from 'node:path';
import { environmentReaders, layers, maxFilesPerFolder, maxLines, readmeLines, uncountedFolders } from './house.ts';
import { layerOf, staticImport, type Tree, withoutComments } from './source-tree.ts';

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/;
const kebabFolder = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Names that say nothing about the subject. */
const drawers = /^(common|misc|shared|lib|index)$|(^|-)(utils?|helpers?)(-|$)/;

/** Files whose name, content or size breaks the rules of the house, one sentence each. */
export function fileFaults(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => [
    ...nameFaults(file),
    ...environmentFaults(file, text),
    ...(isBarrel(text) ? [`${file} is a barrel`] : []),
  ]);
}

function nameFaults(file: string): string[] {
  const folders = file.split('/').slice(1, -1);
  const name = posix.basename(file);
  const faults: string[] = [];
  if (!kebabCase.test(name) || !folders.every((folder) => kebabFolder.test(folder))) {
    faults.push(`${file} is not in kebab case`);
  }
  if ([...folders, name.replace(/\.ts$/, '')].some((part) => drawers.test(part))) {
    faults.push(`${file} is named after no subject`);
  }
  if (!(layerOf(file) in layers)) faults.push(`${file} belongs to no layer`);
  return faults;
}

function environmentFaults(file: string, text: string): string[] {
  if (environmentReaders.includes(file)) return [];
  const code = withoutComments(text);
  const reads = /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"]env['"]/.test(code);
  const imported = /import\s*(type\s*)?\{[^}]*\benv\b[^}]*\}\s*from\s*['"](node:)?process['"]/.test(code);
  return reads || imported ? [`${file} reads the environment`] : [];
}

/** A file that only exports what other files define. */
function isBarrel(text: string): boolean {
  const code = withoutComments(text);
  const rest = code.replace(staticImport, '').replace(/[;\s]/g, '');
  return /^export\s*\*/m.test(code) || (/^export\b/m.test(code) && rest === '');
}

/** Files that are too long and folders that hold too many files, one sentence each. Trees of several roots are fine. */
export function sizeFaults(tree: Tree): string[] {
  const long = [...tree].flatMap(([file, text]) => {
    const lines = text.trimEnd().split('\n').length;
    const most = maxLines[file.split('/', 1)[0] ?? ''] ?? Number.POSITIVE_INFINITY;
    return lines > most ? [`${file} has ${lines} lines, more than ${most}`] : [];
  });
  const folders = Map.groupBy(
    [...tree.keys()].filter((file) => file.startsWith('src/')),
    (file) => posix.dirname(file),
  );
  const crowded = [...folders].flatMap(([folder, files]) =>
    files.length > maxFilesPerFolder && !uncountedFolders.includes(folder)
      ? [`${folder} holds ${files.length} files, more than ${maxFilesPerFolder}`]
      : [],
  );
  return [...long, ...crowded];
}

/** Folders below src without a README of the right length, one sentence each. `readmes` are the README files by path. */
export function readmeFaults(folders: readonly string[], readmes: Tree): string[] {
  return folders.flatMap((folder) => {
    const text = readmes.get(`${folder}/README.md`);
    if (text === undefined) return [`${folder} has no README.md`];
    const lines = text.trimEnd().split('\n').length;
    const fits = lines >= readmeLines.min && lines <= readmeLines.max;
    return fits ? [] : [`${folder}/README.md has ${lines} lines: ${readmeLines.min} to ${readmeLines.max} are wanted`];
  });
}
