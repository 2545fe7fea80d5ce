import { layers, packageHomes, platformFreeLayers, rooms, sharedPackages } from './house.ts';
import { type Import, importsOf, isRelative, layerOf, packageOf, roomOf, type Tree, targetOf } from './source-tree.ts';

/** Imports that break the tables of the house, one sentence each. */
export function importFaults(tree: Tree): string[] {
  const imports = allImports(tree);
  return [
    ...imports.flatMap((found) => (isRelative(found) ? targetFaults(tree, found) : packageFaults(found))),
    ...assemblyFaults(imports),
    ...cycles(tree, imports).map((cycle) => `cycle: ${cycle.join(' → ')}`),
  ];
}

/** Permissions of the tables that no file uses: a table must not allow more than the code needs. */
export function unusedPermissions(tree: Tree): string[] {
  const imports = allImports(tree);
  const used = new Set(imports.flatMap(permissionsUsedBy));
  const granted = [
    ...Object.entries(layers).flatMap(([from, targets]) => targets.map((to) => `${from} → ${to}`)),
    ...Object.entries(rooms).flatMap(([layer, table]) =>
      Object.entries(table).flatMap(([from, targets]) => targets.map((to) => `${layer}/${from} → ${layer}/${to}`)),
    ),
    ...Object.entries(packageHomes).map(([name, home]) => `${home} → package ${name}`),
    ...Object.entries(sharedPackages).flatMap(([name, homes]) => homes.map((home) => `${home} → package ${name}`)),
  ];
  return granted.filter((permission) => !used.has(permission)).map((permission) => `no file uses ${permission}`);
}

function allImports(tree: Tree): Import[] {
  return [...tree].flatMap(([file, text]) => importsOf(file, text));
}

function permissionsUsedBy(found: Import): string[] {
  const from = layerOf(found.file);
  if (!isRelative(found)) return [`${from} → package ${packageOf(found.specifier)}`];
  const target = targetOf(found);
  return [`${from} → ${layerOf(target)}`, `${from}/${roomOf(found.file)} → ${layerOf(target)}/${roomOf(target)}`];
}

function targetFaults(tree: Tree, found: Import): string[] {
  const target = targetOf(found);
  if (target.endsWith('.json')) return [];
  if (!tree.has(target)) return [`${found.file} imports ${target}, which is not there`];
  const [from, to] = [layerOf(found.file), layerOf(target)];
  if (from !== to) {
    return layers[from]?.includes(to) ? [] : [`${found.file} imports ${target}: ${from} may not import ${to}`];
  }
  const [room, other] = [roomOf(found.file), roomOf(target)];
  const table = rooms[from];
  if (table === undefined || room === '' || other === '' || room === other) return [];
  return table[room]?.includes(other) ? [] : [`${found.file} imports ${target}: ${room} may not import ${other}`];
}

/** A file outside the rooms that imports a room assembles it: a room that imports such a file would import all rooms. */
function assemblyFaults(imports: readonly Import[]): string[] {
  const inside = imports.filter((found) => isRelative(found) && layerOf(found.file) === layerOf(targetOf(found)));
  const isRoom = (file: string) => roomOf(file) !== '' && layerOf(file) in rooms;
  const assemblies = new Set(
    inside.filter(({ file }) => roomOf(file) === '').flatMap((found) => (isRoom(targetOf(found)) ? [found.file] : [])),
  );
  return inside
    .filter((found) => isRoom(found.file) && assemblies.has(targetOf(found)))
    .map((found) => `${found.file} imports ${targetOf(found)}, which assembles the rooms`);
}

function packageFaults({ file, specifier }: Import): string[] {
  const layer = layerOf(file);
  if (specifier.startsWith('node:')) return platformFreeLayers.includes(layer) ? [`${file} imports ${specifier}`] : [];
  const name = packageOf(specifier);
  const homes = sharedPackages[name] ?? [packageHomes[name]];
  return homes.includes(layer) ? [] : [`${file} imports the package ${name}, which is not ${layer}'s`];
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
