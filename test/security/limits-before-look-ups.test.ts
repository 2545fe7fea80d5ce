import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openScene, type Scene } from './scene.ts';

const limit = 40;
let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ RATE_LIMIT_MAX: String(limit), TRUST_PROXY: '1' });
});
afterAll(() => scene?.close());

const random = () => randomBytes(32).toString('base64url');

/** Sends the requests on one connection without waiting for responses. Resolves to their statuses. */
function sendAtOnce(address: string, requests: { path: string; key?: string }[]): Promise<number[]> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(scene.broker.port, '127.0.0.1', () => {
      for (const [at, { path, key }] of requests.entries()) {
        const last = at === requests.length - 1 ? 'Connection: close\r\n' : '';
        const bearer = key === undefined ? '' : `Authorization: Bearer ${key}\r\n`;
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n${bearer}${last}\r\n`);
      }
    });
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () =>
      resolve([...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))),
    );
  });
}

/** Scans of a table since its creation, which its look-ups add to. Postgres counts them with a delay. */
async function scansOf(table: string): Promise<number> {
  const [row] = await scene.rows(
    `select seq_scan + coalesce(idx_scan, 0) as scans from pg_stat_user_tables where relname = '${table}'`,
  );
  return Number(row?.scans);
}

/** Waits until a look-up made now is counted: then all earlier ones of the same sessions are. */
async function settledScansOf(table: string, lookUp: () => Promise<unknown>): Promise<number> {
  const before = await scansOf(table);
  await expect
    .poll(
      async () => {
        await lookUp();
        return scansOf(table);
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBeGreaterThan(before);
  let last = -1;
  await expect
    .poll(
      async () => {
        const previous = last;
        last = await scansOf(table);
        return last === previous;
      },
      { timeout: 30_000, interval: 1500 },
    )
    .toBe(true);
  return last;
}

const countRows = () =>
  scene.rows('select (select count(*) from audit_events) as events, (select count(*) from authorizations) as states');

let addresses = 0;
const newAddress = () => `203.0.113.${++addresses}`;
const lookUpKey = () => sendAtOnce(newAddress(), [{ path: '/connections', key: `tb_none_${random()}` }]);
const lookUpState = () => sendAtOnce(newAddress(), [{ path: `/authorize/${random()}` }]);

/** Look-ups of other addresses that `settledScansOf` makes, and those of background work. Far below the requests sent. */
const tolerance = 150;

test('5,000 made-up keys of one address, all at once, cost no row and no look-up beyond the limit', async () => {
  const rows = await countRows();
  const before = await settledScansOf('api_keys', lookUpKey);
  const keys = Array.from({ length: 5000 }, (_, at) => ({ path: '/connections', key: `tb_made-up-${at}_${random()}` }));
  const statuses = await sendAtOnce(newAddress(), keys);
  expect(statuses.filter((status) => status === 401)).toHaveLength(limit);
  expect(statuses.filter((status) => status === 429)).toHaveLength(5000 - limit);
  const after = await settledScansOf('api_keys', lookUpKey);
  expect(after - before).toBeLessThan(limit + tolerance);
  expect(await countRows()).toEqual(rows);
});

test('1,000 made-up callbacks and links, all at once, cost no row and no look-up beyond the limit', async () => {
  const rows = await countRows();
  const before = await settledScansOf('authorizations', lookUpState);
  const links = Array.from({ length: 500 }, () => [
    { path: `/callback/crm?code=c&state=${random()}` },
    { path: `/authorize/${random()}` },
  ]).flat();
  const statuses = await sendAtOnce(newAddress(), links);
  expect(statuses.filter((status) => status === 400)).toHaveLength(limit);
  expect(statuses.filter((status) => status === 429)).toHaveLength(1000 - limit);
  const after = await settledScansOf('authorizations', lookUpState);
  expect(after - before).toBeLessThan(limit + tolerance);
  expect(await countRows()).toEqual(rows);
});
