import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot } from '../architecture/source-tree.ts';

export type Condition = 'service_healthy' | 'service_completed_successfully' | 'service_started';

export interface ComposeService {
  image: string;
  build?: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: Condition }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  restart?: string;
  user?: string;
  privileged?: boolean;
}

export interface Compose {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

export interface Image {
  environment: Record<string, string>;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
  user: string;
  /** Paths of the project that the last stage copies. */
  copied: string[];
}

/** Reads docker-compose.yml with its variables filled in. `${NAME:-default}` is the only form it uses. */
export function readCompose(variables: Readonly<Record<string, string>> = {}): Compose {
  const text = readFileSync(join(projectRoot, 'docker-compose.yml'), 'utf8');
  const filled = text.replace(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, fallback: string) => variables[name] ?? fallback,
  );
  if (filled.includes('${')) throw new Error('docker-compose.yml has a variable without a default.');
  return parse(filled, { merge: true }) as Compose;
}

/** Reads from the last stage of the Dockerfile how the image runs. */
export function readImage(): Image {
  const text = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8').replace(/\\\n\s*/g, '');
  const stage = text.slice(text.lastIndexOf('\nFROM '));
  const all = (word: string) => [...stage.matchAll(new RegExp(`^${word} (.+)$`, 'gm'))].map(([, rest = '']) => rest);
  const one = (word: string): string => {
    const [found, ...others] = all(word);
    if (found === undefined || others.length > 0) throw new Error(`The Dockerfile's last stage needs ${word} once.`);
    return found;
  };
  return {
    environment: Object.fromEntries(
      all('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=') as [string, string])),
    ),
    entrypoint: JSON.parse(one('ENTRYPOINT')) as string[],
    command: JSON.parse(one('CMD')) as string[],
    healthcheck: JSON.parse(one('HEALTHCHECK').replace(/^.*?CMD /, '')) as string[],
    user: one('USER'),
    copied: all('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1)),
  };
}

/** Names of the services, each after those it waits for. Throws if they wait for each other. */
export function startOrder({ services }: Compose): string[] {
  const order: string[] = [];
  const visit = (name: string, waiting: readonly string[]): void => {
    if (order.includes(name)) return;
    if (waiting.includes(name)) throw new Error(`${[...waiting, name].join(' waits for ')}`);
    for (const needed of Object.keys(services[name]?.depends_on ?? {})) visit(needed, [...waiting, name]);
    order.push(name);
  };
  for (const name of Object.keys(services)) visit(name, []);
  return order;
}
