import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { projectRoot } from '../support/architecture/source-tree.ts';
import { locateClientPrograms } from '../support/postgres/client-programs.ts';
import { describeWithProgram } from '../support/processes/describe-with-program.ts';

const client = locateClientPrograms();

/** Declares a suite that runs pg_dump and pg_restore. */
export function describeWithClientPrograms(name: string, suite: () => void): void {
  describeWithProgram({ title: 'pg_dump', absence: client.absence }, name, suite);
}

interface Block {
  heading: string;
  language?: 'sh' | 'sql';
  /** Which of the blocks below the heading. Defaults to the first. */
  block?: number;
}

/** Reads one block of code that docs/OPERATIONS.md shows below a heading of the second level. */
export function readDocumented({ heading, language = 'sh', block = 0 }: Block): string {
  const document = readFileSync(join(projectRoot, 'docs/OPERATIONS.md'), 'utf8');
  const [, section = ''] = document.split(`\n## ${heading}\n`);
  const blocks = (section.split('\n## ')[0] ?? '').matchAll(/```(\w+)\n(.*?)```/gs);
  const code = [...blocks].filter(([, name]) => name === language)[block]?.[2];
  if (code === undefined) throw new Error(`docs/OPERATIONS.md has no block ${block} of ${language} below ${heading}`);
  return code;
}

/** Runs the shell commands of a block, and returns what they print. */
export function runDocumented(block: Block, variables: Record<string, string>, cwd: string): string {
  return execFileSync('sh', ['-eu', '-c', readDocumented(block)], {
    cwd,
    env: { PATH: `${client.folder}:${process.env.PATH}`, ...variables },
    encoding: 'utf8',
  });
}
