import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, ApiResponse } from '../support/http/broker-api.ts';
import { addConnection, connect, importGrant, type TestConnection } from './connections.ts';
import type { World } from './world.ts';

export interface LoadedConnection extends TestConnection {
  subjects: string[];
}

export interface Failure {
  request: string;
  status: number;
  text: string;
}

const subjectCount = 6;
const readers = 8;
const longLifetime = 3600;
/** Up to the title of a page. */
const shownCharacters = 400;

/** Creates connections of which each has grants for several subjects. */
export async function addLoadedConnections(world: World, count: number): Promise<LoadedConnection[]> {
  const connections: LoadedConnection[] = [];
  for (let at = 0; at < count; at++) {
    const connection = await addConnection(world);
    const subjects = Array.from({ length: subjectCount }, (_, index) => `subject-${index}`);
    for (const subject of subjects) await importGrant(world, connection, longLifetime, { subject });
    connections.push({ ...connection, subjects });
  }
  return connections;
}

/**
 * Reads, refreshes, edits, revokes API keys and authorizes for some time, each at random processes. Returns the number
 * of responses and those with status 500 and above.
 */
export async function runLoad(
  world: World,
  apis: readonly Api[],
  connections: readonly LoadedConnection[],
  durationMs: number,
): Promise<{ responses: number; failures: Failure[] }> {
  const until = performance.now() + durationMs;
  const failures: Failure[] = [];
  let responses = 0;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;

  async function note(request: string, response: Promise<ApiResponse>): Promise<ApiResponse> {
    const { status, text } = await response;
    responses += 1;
    if (status >= 500) failures.push({ request, status, text });
    return response;
  }

  const work: Record<string, () => Promise<unknown>> = {
    read: () => {
      const { credential, subjects } = pick(connections);
      return note('read', pick(apis).get(`${credential}?subject=${pick(subjects)}`));
    },
    refresh: () => {
      const { path, subjects } = pick(connections);
      return note('refresh', pick(apis).post(`${path}/refresh`, { subject: pick(subjects) }));
    },
    edit: async () => {
      const { path } = pick(connections);
      await note('edit', pick(apis).patch(path, { description: `edited ${responses}` }));
      await note('list', pick(apis).get(`${path}/grants`));
    },
    key: async () => {
      const key = { name: 'short-lived', permissions: ['credentials:read'], organizations: ['acme'] };
      const { body } = await note('create key', pick(apis).post('/admin/api-keys', key));
      await note('revoke key', pick(apis).delete(`/admin/api-keys/${String(body.id)}`));
    },
    authorize: () =>
      connect({ ...world, api: pick(apis) }, pick(connections), 'ada').catch((error: unknown) =>
        failures.push({ request: 'authorize', status: 0, text: String(error).slice(0, shownCharacters) }),
      ),
  };
  const kinds = [...Array<string>(readers).fill('read'), 'refresh', 'refresh', 'edit', 'edit', 'key', 'authorize'];
  await Promise.all(
    kinds.map(async (kind) => {
      while (performance.now() < until) await work[kind]?.();
    }),
  );
  return { responses, failures };
}

/** Waits until every process has served several reads in a row. */
export async function waitUntilServing(
  apis: readonly Api[],
  { credential, subjects }: LoadedConnection,
  limitMs: number,
): Promise<void> {
  const until = performance.now() + limitMs;
  const path = `${credential}?subject=${subjects[0]}`;
  for (const api of apis) {
    for (let inRow = 0; inRow < 10; ) {
      const { status, text } = await api.get(path);
      inRow = status === 200 ? inRow + 1 : 0;
      if (performance.now() > until) throw new Error(`still not served: ${status} ${text}`);
      if (inRow === 0) await sleep(100);
    }
  }
}
