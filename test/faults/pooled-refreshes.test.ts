import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addConnection,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';
import type { ApiResponse } from '../support/http/broker-api.ts';
import { describeWithPgBouncer } from '../support/postgres/pgbouncer.ts';

/** A grant may be refreshed on demand ten times in a minute; the tenth call is left for the proof at the end. */
const rounds = 8;
const grantCount = 125;
const refreshCount = rounds * grantCount;
const atOnce = 16;
const readers = 6;

describeWithPgBouncer('behind a transaction pooler', () => {
  let world: FaultWorld;
  let services: [Service, Service];
  let connection: FaultConnection;
  const grants: (ImportedGrant & { subject: string })[] = [];
  beforeAll(async () => {
    world = await openFaultWorld({ pooled: true });
    services = [await world.start(), await world.start({ env: { CREDENTIAL_CACHE_MAX: '0' } })];
    connection = await addConnection(world, services[0]);
    for (let at = 0; at < grantCount; at++) {
      const subject = `subject-${at}`;
      grants.push({ ...(await importGrant(world, services[0], connection, { subject, expiresIn: 3600 })), subject });
    }
  });
  afterAll(() => world?.close());

  const refresh = ({ api }: Service, subject: string): Promise<ApiResponse> =>
    api.post(`${connection.path}/refresh`, { subject });

  /** Reads random grants at both processes until `stop`, which returns the statuses. */
  function startReaders(): { stop(): Promise<Set<number>> } {
    const statuses = new Set<number>();
    let isOver = false;
    const loops = Array.from({ length: readers }, async (_, reader) => {
      for (let at = reader; !isOver; at += readers) {
        const response = await services[reader % 2 === 0 ? 0 : 1].api.get(grants[at % grantCount]?.path ?? '');
        statuses.add(response.status);
        await sleep(1);
      }
    });
    return {
      stop: async () => {
        isOver = true;
        await Promise.all(loops);
        return statuses;
      },
    };
  }

  test(`${refreshCount} refreshes on demand at two processes lose no grant of a provider that detects reuse`, async () => {
    const reading = startReaders();
    const places = pLimit(atOnce);
    for (let round = 0; round < rounds; round++) {
      const [first, second] = round % 2 === 0 ? services : services.toReversed();
      const responses = await Promise.all(
        grants.map(({ subject }, at) =>
          places(async () => {
            // For every tenth grant both processes are called at once: one of them finds the lease taken.
            const calls = [first, ...(at % 10 === round ? [second] : [])].map(
              (service) => service && refresh(service, subject),
            );
            return await Promise.all(calls);
          }),
        ),
      );
      for (const response of responses.flat()) expect(response?.status, response?.text).toBe(200);
    }
    expect(await reading.stop()).toEqual(new Set([200]));

    const sent = world.gate.exchanges;
    expect(sent.filter(({ status }) => status !== 200)).toEqual([]);
    expect(sent.length).toBeGreaterThanOrEqual(refreshCount);
    expect(new Set(sent.map(({ presented }) => presented)).size, 'no refresh token was sent twice').toBe(sent.length);

    for (const { subject, path } of grants) {
      const refreshed = await refresh(services[0], subject);
      expect(refreshed.status, refreshed.text).toBe(200);
      const { body } = await services[1].api.get(path);
      expect(await world.provider.accepts(body.access_token)).toBe(true);
    }
  });
});
