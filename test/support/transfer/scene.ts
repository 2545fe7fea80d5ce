import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Service } from '../../contract/service.ts';
import { type CliRun, runCli } from '../cli/run-in-process.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';

/** Runs commands against a service, and looks for secrets in what they print. */
export function createScene(service: Pick<Service, 'broker' | 'stack'>) {
  const directory = createTemporaryFolder('transfer-');
  const environment = {
    HOME: directory,
    TOKEN_BROKER_URL: service.broker.url,
    TOKEN_BROKER_KEY: service.stack.adminKey(),
  };
  /** Values that no command may print. */
  const secrets = new Set<string>([service.stack.adminKey()]);

  return {
    directory,
    environment,
    secrets,
    write(name: string, content: string): string {
      writeFileSync(join(directory, name), content);
      return name;
    },
    writeLines(name: string, lines: readonly unknown[]): string {
      const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
      writeFileSync(join(directory, name), texts.map((text) => `${text}\n`).join(''));
      return name;
    },
    /** Runs a command in this process. A printed secret fails the test that caused it. */
    async run(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<CliRun> {
      const result = await runCli(args, { environment: { ...environment, ...variables }, directory });
      for (const secret of secrets) expect(result.stdout + result.stderr).not.toContain(secret);
      return result;
    },
  };
}

/** Values of the lines on stdout. */
export function linesOf({ stdout }: CliRun): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
