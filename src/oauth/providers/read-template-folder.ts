import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { parseTemplate } from './parse-template.ts';

/** Templates of one folder, with everything that is wrong with it. */
export interface TemplateFolder {
  templates: ReadTemplate[];
  /** One line each: path of the file, path inside it if the fault has one, and the fault. */
  faults: string[];
  /** Names of entries that are no templates, because their name does not end in .json. */
  ignored: string[];
}

export interface ReadTemplate {
  file: string;
  template: ProviderTemplate;
}

/** Maximum bytes of a file. Templates have a few kB; a larger file in the folder is not one. */
const maxBytes = 256 * 1024;

/** Reads every .json file of a folder, in the order of the names. Collects all faults and throws nothing. */
export function readTemplateFolder(directory: string): TemplateFolder {
  const names = readNames(directory);
  if (!Array.isArray(names)) return { templates: [], faults: [`${directory}: ${names.fault}`], ignored: [] };
  const files = names.filter((name) => name.endsWith('.json'));
  const folder: TemplateFolder = { templates: [], faults: [], ignored: names.filter((name) => !files.includes(name)) };
  for (const name of files) {
    const file = join(directory, name);
    const read = readJson(file);
    const { template, faults } =
      'fault' in read ? { template: null, faults: [read.fault] } : parseTemplate(read.value, name);
    folder.faults.push(...faults.map((fault) => `${file}: ${fault}`));
    if (template !== null) folder.templates.push({ file, template });
  }
  return folder;
}

function readNames(directory: string): string[] | { fault: string } {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    return { fault: describe(error, 'folder') };
  }
}

function readJson(file: string): { value: unknown } | { fault: string } {
  let bytes: Buffer | null;
  try {
    bytes = readRegularFile(file);
  } catch (error) {
    return { fault: describe(error, 'file') };
  }
  if (bytes === null) return { fault: `is no regular file of at most ${maxBytes / 1024} KB` };
  if (bytes.subarray(0, 3).equals(byteOrderMark)) {
    return { fault: 'begins with a byte order mark: save it as UTF-8 without one' };
  }
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch (error) {
    return { fault: error instanceof SyntaxError ? `is not JSON: ${error.message}` : 'is not UTF-8' };
  }
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Returns null for anything but a regular file of bounded size. Opening a pipe without O_NONBLOCK would wait forever. */
function readRegularFile(file: string): Buffer | null {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    return status.isFile() && status.size <= maxBytes ? readFileSync(descriptor) : null;
  } finally {
    closeSync(descriptor);
  }
}

function describe(error: unknown, kind: 'file' | 'folder'): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const said: Record<string, string> = {
    ENOENT: kind === 'file' ? 'is a symbolic link to a file that does not exist' : 'there is no such folder',
    ENOTDIR: 'is no folder',
    ELOOP: 'is a symbolic link that leads back to itself',
    EACCES: `this process may not read the ${kind}`,
  };
  return `${said[code] ?? 'cannot be read'} (${code})`;
}
