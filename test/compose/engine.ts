import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { projectRoot } from '../support/architecture/source-tree.ts';

export interface Engine {
  /** Runs `docker compose` in the checkout, and returns what it prints. Throws if it fails. */
  compose(...args: string[]): string;
  docker(...args: string[]): string;
  close(): void;
}

/**
 * Finds a container engine: Docker itself, or an engine wrapper. The wrapper takes the checkout and the arguments of
 * `docker compose`; `clean` removes its engine. COMPOSE_HERE is the folder with its engine's socket docker.sock.
 */
export function findEngine(variables: Record<string, string>): Engine {
  const env: NodeJS.ProcessEnv = { ...process.env, ...variables };
  const run = (command: string, args: string[], more: NodeJS.ProcessEnv = {}) =>
    execFileSync(command, args, {
      cwd: projectRoot,
      env: { ...env, ...more },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  if (spawnSync('docker', ['info']).status === 0) {
    return {
      compose: (...args) => run('docker', ['compose', ...args]),
      docker: (...args) => run('docker', args),
      close: () => undefined,
    };
  }
  const wrapper = process.env.ENGINE_WRAPPER ?? resolve(projectRoot, '../shared/tools/compose-here');
  if (!existsSync(wrapper)) {
    throw new Error('No container engine: start Docker, or set ENGINE_WRAPPER to the path of an engine wrapper.');
  }
  const folder = process.env.COMPOSE_HERE ?? join(tmpdir(), 'token-broker-engine');
  return {
    compose: (...args) => run(wrapper, [projectRoot, ...args], { COMPOSE_HERE: folder }),
    docker: (...args) => run('docker', args, { DOCKER_HOST: `unix://${folder}/docker.sock` }),
    close: () => {
      if (process.env.COMPOSE_HERE === undefined) run(wrapper, [projectRoot, 'clean'], { COMPOSE_HERE: folder });
    },
  };
}
