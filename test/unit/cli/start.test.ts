import { accessSync, constants, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import about from '../../../package.json' with { type: 'json' };
import { projectRoot, staticImport, withoutComments } from '../../support/architecture/source-tree.ts';

/** Specifiers that Node.js loads before the first line of the file runs. Types are stripped. */
function loadedBy(file: string): string[] {
  const code = withoutComments(readFileSync(join(projectRoot, file), 'utf8'));
  return [...code.matchAll(staticImport)]
    .filter(([statement]) => !/^\s*(import|export) type\b/.test(statement))
    .map(([, , specifier = '']) => specifier);
}

test('a start loads commander and small files, and neither the client nor the packages of single commands', () => {
  const packages = new Set<string>();
  const files = new Set(['src/cli/main.ts']);
  // A set also yields what is added while it is walked.
  for (const file of files) {
    for (const specifier of loadedBy(file)) {
      if (specifier.startsWith('.')) files.add(posix.join(posix.dirname(file), specifier));
      else if (!specifier.startsWith('node:')) packages.add(specifier);
    }
  }
  expect([...packages]).toEqual(['commander']);
  // Small and without imports: which addresses are loopback is one rule.
  expect([...files].filter((file) => !file.startsWith('src/cli/'))).toEqual(['src/doctor/place.ts']);
  // An action that is imported at the start would be one more file for every command.
  expect([...files].filter((file) => /^src\/cli\/commands\/[\w-]+\//.test(file))).toEqual([]);
});

test('the image and the repository have the command token-broker, which names its interpreter and can be executed', () => {
  const launcher = about.bin['token-broker'];
  const dockerfile = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8');
  const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  expect(lastStage).toContain('\nWORKDIR /app\n');
  expect(lastStage).toContain(`\nRUN ln -s /app/${launcher} /usr/local/bin/token-broker\n`);
  const file = join(projectRoot, launcher);
  accessSync(file, constants.X_OK);
  expect(readFileSync(file, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});
