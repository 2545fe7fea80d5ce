import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createCatalogue, type FurtherTemplates } from '../../../../src/oauth/providers/catalogue.ts';

const root = mkdtempSync(join(tmpdir(), 'template-folders-'));
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true }));

const minimal = (id: string, members: object = {}) => ({ id, displayName: id, ...members });

function folder(files: Record<string, unknown>): string {
  const path = mkdtempSync(join(root, 'folder-'));
  chmodSync(path, 0o755);
  for (const [name, content] of Object.entries(files)) {
    const isRaw = typeof content === 'string' || Buffer.isBuffer(content);
    writeFileSync(join(path, name), isRaw ? content : JSON.stringify(content));
  }
  return path;
}

/** Lines of the message with which the start is refused, without the folder's path. */
function faultsOf(further: string, shipped = folder({ 'plain.json': minimal('plain') })): string[] {
  try {
    createCatalogue({ shipped, further });
  } catch (error) {
    const [title, ...lines] = String((error as Error).message).split('\n');
    expect(title).toBe('Provider templates are faulty:');
    return lines.map((line) => line.replace(`${further}/`, ''));
  }
  return [];
}

describe('a folder of further templates', () => {
  const shipped = folder({
    'plain.json': minimal('plain', { pkce: false, detect: ['plain.example'] }),
    'other.json': minimal('other', { detect: ['other.example'] }),
  });

  test('adds a template, and replaces the shipped one of the same id as a whole', () => {
    const further = folder({ 'plain.json': minimal('plain', { displayName: 'Ours' }), 'new.json': minimal('new') });
    const catalogue = createCatalogue({ shipped, further });
    expect(catalogue.list().map(({ id }) => id)).toEqual(['other', 'plain', 'new']);
    expect(catalogue.find('plain')).toMatchObject({ displayName: 'Ours', pkce: true, detect: [] });
    expect(catalogue.detect('https://plain.example/authorize')).toBeUndefined();
  });

  test('may take over a host of a shipped template, so that a later release does not stop the start', () => {
    const further = folder({ 'new.json': minimal('new', { detect: ['other.example'] }) });
    const catalogue = createCatalogue({ shipped, further });
    expect(catalogue.detect('https://other.example/')?.id).toBe('new');
    expect(catalogue.detect('https://plain.example/')?.id).toBe('plain');
  });

  test('reports what it adds, what it overrides, and the names of files that are no templates', () => {
    const further = folder({
      'plain.json': minimal('plain'),
      'new.json': minimal('new'),
      'notes.txt': '',
      'x.JSON': '{',
    });
    mkdirSync(join(further, 'deeper'));
    const found: FurtherTemplates[] = [];
    createCatalogue({ shipped, further, onFurther: (each) => found.push(each) });
    const ignored = ['deeper', 'notes.txt', 'x.JSON'];
    expect(found).toEqual([{ folder: further, added: ['new'], overridden: ['plain'], ignored }]);
  });

  test('keeps the aliases of a template that it replaces', () => {
    const shipped = folder({ 'plain.json': minimal('plain', { aliases: ['plain-old', 'taken'] }) });
    const further = folder({ 'plain.json': minimal('plain', { pkce: false }), 'taken.json': minimal('taken') });
    const catalogue = createCatalogue({ shipped, further });
    expect(catalogue.find('plain-old')).toMatchObject({ id: 'plain', pkce: false });
    expect(catalogue.find('taken')?.id).toBe('taken');
    expect(catalogue.list().map(({ id }) => id)).toEqual(['plain', 'taken']);
  });

  test('may be empty', () => {
    expect(createCatalogue({ shipped, further: folder({}) }).list()).toHaveLength(2);
  });

  test('is read through symbolic links, as a mounted Kubernetes ConfigMap has them', () => {
    const further = folder({});
    mkdirSync(join(further, '..2030'));
    writeFileSync(join(further, '..2030/new.json'), JSON.stringify(minimal('new')));
    symlinkSync('..2030', join(further, '..data'));
    symlinkSync('..data/new.json', join(further, 'new.json'));
    expect(createCatalogue({ shipped, further }).find('new')).toBeDefined();
  });
});

describe('a faulty file is refused with its path and the path of the fault inside it:', () => {
  test.each<[string, unknown, RegExp[]]>([
    ['no JSON', '{"id":', [/^x\.json: is not JSON: .*JSON/]],
    ['an empty file', '', [/^x\.json: is not JSON: /]],
    ['a list', [], [/^x\.json: .*expected object/]],
    ['a byte order mark', `\ufeff${JSON.stringify(minimal('x'))}`, [/^x\.json: begins with a byte order mark: /]],
    ['UTF-16', Buffer.from(JSON.stringify(minimal('x')), 'utf16le'), [/^x\.json: is not JSON: /]],
    ['Latin-1', Buffer.from(JSON.stringify(minimal('é')), 'latin1'), [/^x\.json: is not UTF-8$/]],
    ['a large file', ' '.repeat(257 * 1024), [/^x\.json: is no regular file of at most 256 KB$/]],
    ['a foreign id', minimal('y'), [/^x\.json: id: the file's name says "x", and this is y$/]],
    ['an impossible id', minimal('__proto__'), [/^x\.json: id: /]],
    ['an unknown member', minimal('x', { pkcs: true }), [/^x\.json: pkcs: there is no such member$/]],
    [
      'several faults',
      minimal('x', {
        pkce: 'yes',
        variables: { tenant: { pattern: 'a', description: 'A tenant.' } },
        failures: [{ status: 400, class: 'client' }, { class: 'fatal' }],
      }),
      [/^x\.json: variables\.tenant\.pattern: must be anchored$/, /^x\.json: pkce: /, /^x\.json: failures\.1\.class: /],
    ],
    [
      'unknown placeholders',
      minimal('x', {
        tokenUrl: 'https://{a}.example/',
        test: { url: 'https://{b}.example/' },
        tokenParams: { 'x.y': '{c}' },
      }),
      [
        /^x\.json: tokenUrl: \{a\} is not among the variables$/,
        /^x\.json: test\.url: \{b\} is not among the variables$/,
        /^x\.json: tokenParams\."x\.y": \{c\} is not among the variables$/,
      ],
    ],
  ])('%s', (_, content, expected) => {
    const lines = faultsOf(folder({ 'x.json': content }));
    for (const pattern of expected) expect(lines).toContainEqual(expect.stringMatching(pattern));
    expect(lines).toHaveLength(expected.length);
  });

  test('a folder and a pipe that are named like templates', () => {
    const further = folder({});
    mkdirSync(join(further, 'a.json'));
    execFileSync('mkfifo', [join(further, 'b.json')]);
    const fault = 'is no regular file of at most 256 KB';
    expect(faultsOf(further)).toEqual([`a.json: ${fault}`, `b.json: ${fault}`]);
  });

  test('a loop of symbolic links, and a link that leads nowhere', () => {
    const further = folder({});
    symlinkSync('b.json', join(further, 'a.json'));
    symlinkSync('a.json', join(further, 'b.json'));
    symlinkSync('absent', join(further, 'c.json'));
    expect(faultsOf(further)).toEqual([
      'a.json: is a symbolic link that leads back to itself (ELOOP)',
      'b.json: is a symbolic link that leads back to itself (ELOOP)',
      'c.json: is a symbolic link to a file that does not exist (ENOENT)',
    ]);
  });

  test('the faults of all files and of both folders are reported together', () => {
    const shipped = folder({ 'a.json': minimal('a', { pkcs: false }), 'ok.json': minimal('ok') });
    const further = folder({
      'b.json': minimal('other'),
      'c.json': '{',
      'd.json': minimal('d', { detect: ['same.example'] }),
      'e.json': minimal('e', { detect: ['x.example', 'same.example'], aliases: ['twice'] }),
      'f.json': minimal('f', { aliases: ['once', 'twice'] }),
      'other.json': minimal('other'),
    });
    expect(faultsOf(further, shipped).map((line) => line.replace(`${shipped}/`, ''))).toEqual([
      'a.json: pkcs: there is no such member',
      `b.json: id: the file's name says "b", and this is other`,
      expect.stringMatching(/^c\.json: is not JSON: /),
      'e.json: detect.1: same.example already belongs to d',
      'f.json: aliases.1: twice already belongs to e',
    ]);
  });
});

describe('a folder that cannot be read stops the start:', () => {
  test('an absent one, and a file', () => {
    const plain = join(folder({ 'plain.txt': '' }), 'plain.txt');
    expect(faultsOf('/nonexistent/templates')).toEqual(['/nonexistent/templates: there is no such folder (ENOENT)']);
    expect(faultsOf(plain)).toEqual([`${plain}: is no folder (ENOTDIR)`]);
  });

  test('one without permission, and a file without permission', () => {
    const shipped = folder({ 'plain.json': minimal('plain') });
    const [locked, further] = [folder({}), folder({ 'x.json': minimal('x') })];
    chmodSync(locked, 0);
    chmodSync(join(further, 'x.json'), 0);
    expect(asUnprivileged(() => faultsOf(locked, shipped))).toEqual([
      `${locked}: this process may not read the folder (EACCES)`,
    ]);
    expect(asUnprivileged(() => faultsOf(further, shipped))).toEqual([
      'x.json: this process may not read the file (EACCES)',
    ]);
    chmodSync(locked, 0o755);
  });

  test('one of shipped templates without any', () => {
    const empty = folder({});
    expect(() => createCatalogue({ shipped: empty })).toThrow(`${empty}: there is no template`);
  });
});

/** Runs without the rights of root, who may read everything. */
function asUnprivileged<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(65_534);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}
