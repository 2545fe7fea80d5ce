import { execFile } from 'node:child_process';
import process from 'node:process';
import { expect, test } from 'vitest';
import about from '../../../package.json' with { type: 'json' };
import { locateNode20 } from '../../support/client/node-20.ts';
import { describeWithProgram } from '../../support/processes/describe-with-program.ts';

const node20 = await locateNode20();

interface Ended {
  code: unknown;
  output: string;
  errors: string;
}

/** Runs the launcher to its end, with an empty environment: none of these calls may start the service. */
function launch(words: string[], nodeOptions: string[] = [], program = process.execPath): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  execFile(program, [...nodeOptions, 'src/launch.js', ...words], { env: {} }, (error, output, errors) =>
    resolve({ code: error === null ? 0 : error.code, output, errors }),
  );
  return promise;
}

/** Makes Node.js report another version, before any module of the service is loaded. */
const reportingVersion = (version: string) => [
  '--import',
  `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`,
];

test.each([['--help'], ['-h'], ['worker', '--help'], ['keys', '--help']])(
  '%s %s lists every command',
  async (...words) => {
    const { code, output, errors } = await launch(words);
    expect([code, errors]).toEqual([0, '']);
    for (const command of ['serve', 'worker', 'migrate', 'health', 'keys init', 'keys rotate'])
      expect(output).toContain(command);
  },
);

test('--version prints the version alone', async () => {
  expect(await launch(['--version'])).toEqual({ code: 0, output: `${about.version}\n`, errors: '' });
});

test.each([['--nope'], ['nope'], ['keys', 'nope'], ['keys', 'init']])('%s %s is refused', async (...words) => {
  const { code, output, errors } = await launch(words);
  expect([code, output]).toEqual([1, '']);
  expect(errors).toMatch(/--nope|usage:/);
});

test.each(['18.20.8', '20.19.0', '22.22.1', '23.11.0'])(
  'Node.js %s is refused in one line that says what to do',
  async (version) => {
    const { code, output, errors } = await launch(['--version'], reportingVersion(version));
    expect([code, output]).toEqual([1, '']);
    expect(errors).toMatch(/^[^\n]*24[^\n]*\n$/);
    for (const part of [version, 'npm ci', '--omit=dev']) expect(errors).toContain(part);
  },
);

describeWithProgram(node20, 'a host that brings its own Node.js 20', () => {
  test('refuses npm start in the same line, after npm ci --omit=dev left out the pinned version', async () => {
    // The options of the script come before the launcher: an option that Node.js 20 does not know would end it first.
    const [command = '', ...words] = about.scripts.start.split(' ');
    expect([command, words.pop()]).toEqual(['node', 'src/launch.js']);
    const { code, output, errors } = await launch([], words, node20.program);
    expect([code, output]).toEqual([1, '']);
    expect(errors).toMatch(/^[^\n]*24[^\n]* 20\.[^\n]*npm ci[^\n]*\n$/);
  });
});
