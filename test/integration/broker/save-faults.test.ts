import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTokens } from '../../../src/broker/sealing.ts';
import { createSpool } from '../../../src/embedded/spool.ts';
import { createPostgres } from '../../../src/postgres/postgres.ts';
import { aTokenResponse } from '../../support/builders/provider.ts';
import {
  cipher,
  createCountingProvider,
  createEngine,
  storeRefreshableGrant,
} from '../../support/engine/refresh-fixture.ts';
import { createLimitedRole, type LimitedRole } from '../../support/postgres/limited-role.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';
import { createTemporaryFolder } from '../../support/processes/temporary-folder.ts';

/** Codes of every class of Appendix A of the PostgreSQL manual that an error can have. */
const sqlStates = `02000 03000 08000 08006 08P01 09000 0A000 0B000 0F000 0L000 0P000 0Z000 10608 20000 21000 22000 22021
  22P02 23000 23505 23514 24000 25000 25006 25P02 25P03 26000 27000 28000 28P01 2B000 2D000 2F000 34000 38000 39000 3B000
  3D000 3F000 40000 40001 40P01 42000 42501 42601 42703 42P01 42P05 44000 53000 53100 53200 53300 54000 54001 55000 55006
  55P03 57000 57014 57P01 57P02 57P03 57P05 58000 58030 72000 F0000 HV000 P0000 P0001 XX000 XX001 XX002`.split(/\s+/);
/** Codes that no version of PostgreSQL has named. */
const unknownStates = fc.sample(fc.stringMatching(/^[A-OQ-WYZ4-9][A-Z0-9][A-Z0-9]{3}$/), 8);

/** Shorter than each fault: a lease that its holder does not extend lapses while the fault lasts. */
const short = { leaseMs: 3_000, faultMs: 5_000 };
/** Many tries share the connections of the process, so that each takes longer. */
const long = { leaseMs: 9_000, faultMs: 12_000 };
const patience = { timeout: 20_000, interval: 50 };

let owner: TestStores;
let role: LimitedRole;
const open: { close(): Promise<void> }[] = [];
const folders: string[] = [];

beforeAll(async () => {
  owner = await openTestStores();
  role = await createLimitedRole(owner.url);
  await role.sql('create table save_faults (grant_id uuid primary key, code text not null)');
  await role.sql(`grant select on save_faults to ${role.name}`);
  await role.sql(`create function raise_save_fault() returns trigger language plpgsql as $$
    declare fault text := (select code from save_faults where grant_id = new.id);
    begin
      if fault is not null then raise exception 'a fault' using errcode = fault; end if;
      return new;
    end $$`);
  await role.sql(`create trigger save_fault before update on grants for each row
    when (new.sealed_tokens is distinct from old.sealed_tokens) execute function raise_save_fault()`);
});
afterAll(async () => {
  for (const { close } of open) await close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await role.drop();
  await owner.end();
});

/** Stores of one process. */
function openProcess(): TestStores {
  const postgres = createPostgres({ connectionString: role.url, poolMax: 10, onError: () => {} });
  postgres.listener.start();
  open.push(postgres);
  return { ...postgres, url: role.url, end: () => postgres.close() };
}

interface Scene {
  ids: string[];
  /** Begins the fault. Called when the first token response arrives. */
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
  /** Ends the process that holds the tokens while the fault lasts, and starts its successor. */
  restarts?: boolean;
  times?: typeof short;
}

const demand = {
  isSatisfiedBy: ({ metadata }: { metadata: { expiresAt: Date | null } | null }) =>
    (metadata?.expiresAt?.getTime() ?? 0) > Date.now(),
  onDemand: false,
};

async function expectNothingLost({ ids, begin, end, restarts = false, times = short }: Scene): Promise<void> {
  const { leaseMs, faultMs } = times;
  const begun = { fault: undefined as Promise<unknown> | undefined };
  let number = 0;
  const provider = createCountingProvider(async (held) => {
    begun.fault ??= begin();
    await begun.fault;
    number += 1;
    return aTokenResponse(`at-${number}`, `${held?.refreshToken?.reveal()}+`);
  });
  const ended = new AbortController();
  const home = createTemporaryFolder('token-broker-test-spool-');
  folders.push(home);
  const folder = join(home, 'spool');
  const unreadable: string[] = [];
  const start = (signal: AbortSignal) => {
    const stores = openProcess();
    const spool = createSpool(folder, (file) => unreadable.push(file));
    const engine = createEngine(stores, provider, {
      leaseMs,
      spool,
      sleep: (ms) => sleep(ms, undefined, { signal }),
      instanceId: 'holder',
    });
    return { stores, spool, ...engine };
  };
  let holder = start(ended.signal);
  const other = openProcess();
  const otherEngine = createEngine(other, provider, { leaseMs });
  await vi.waitUntil(() => other.listener.isUp() && holder.stores.listener.isUp(), patience);

  const served = await Promise.all(ids.map((id) => holder.refreshGrant(id, demand)));
  const tokensOf = (result: Awaited<(typeof served)[number]>) => {
    if (result.kind !== 'fresh' || result.grant.sealedTokens === null) throw new Error(`not served: ${result.kind}`);
    return openTokens(cipher, result.grant, result.grant.sealedTokens).accessToken.reveal();
  };
  const accessTokens = served.map(tokensOf);
  expect(new Set(accessTokens).size).toBe(ids.length);

  if (restarts) {
    ended.abort();
    holder = start(new AbortController().signal);
    const { unsaved } = await holder.replay(holder.spool);
    expect(unsaved.toSorted()).toEqual(ids.toSorted());
    await owner.refreshes.voidLeases('holder/', unsaved);
  }
  let over = false;
  const others = ids.map(async (id) => {
    while (!over) {
      await otherEngine.refreshGrant(id, demand).catch(() => undefined);
      await sleep(100);
    }
  });
  await sleep(faultMs);
  // The process that holds a token set serves it again while its row can be read.
  const again = await Promise.allSettled(ids.map((id) => holder.refreshGrant(id, demand)));
  for (const [n, result] of again.entries()) {
    if (result.status === 'fulfilled') expect(tokensOf(result.value)).toBe(accessTokens[n]);
    else expect(result.reason).toMatchObject({ code: 'service_unavailable' });
  }
  await end();
  await vi.waitUntil(async () => (await holder.spool.list()).length === 0, patience);
  over = true;
  await Promise.all(others);
  for (const [n, id] of ids.entries()) {
    const stored = (await owner.refreshes.find(id))?.grant;
    expect(stored).toMatchObject({ version: 2, status: 'completed' });
    const result = await otherEngine.refreshGrant(id, demand);
    expect(tokensOf(result)).toBe(accessTokens[n]);
  }
  expect(provider.spent).toHaveLength(ids.length);
  expect(unreadable).toEqual([]);
}

async function storeGrants(name: string, count = 1): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await storeRefreshableGrant(owner, `${name}-${n}`)).id);
  return ids;
}

async function failSaves(ids: readonly string[], codes: readonly string[]): Promise<void> {
  await role.sql('insert into save_faults select * from unnest($1::uuid[], $2::text[])', [ids, codes]);
}
const mend = () => role.sql('delete from save_faults');

test('a rotated token survives a save that fails with any SQLSTATE, and no refresh token is sent twice', async () => {
  const codes = [...sqlStates, ...unknownStates];
  const ids = await storeGrants('state', codes.length);
  await expectNothingLost({ ids, begin: () => failSaves(ids, codes), end: mend, times: long });
}, 60_000);

test('a rotated token survives a restart of its process while the save fails', async () => {
  const codes = ['42501', '55P03', 'XX000', '23514', '22000', 'ZZ999'];
  const ids = await storeGrants('restart', codes.length);
  await expectNothingLost({ ids, begin: () => failSaves(ids, codes), end: mend, restarts: true });
}, 60_000);

test('a rotated token survives a revoked privilege on the grants', async () => {
  await expectNothingLost({
    ids: await storeGrants('grants-privilege'),
    begin: () => role.sql(`revoke update on grants from ${role.name}`),
    end: () => role.sql(`grant update on grants to ${role.name}`),
  });
}, 60_000);

test('a rotated token survives a revoked privilege on the audit trail', async () => {
  await expectNothingLost({
    ids: await storeGrants('audit-privilege'),
    begin: () => role.sql(`revoke insert on audit_events from ${role.name}`),
    end: () => role.sql(`grant insert on audit_events to ${role.name}`),
  });
}, 60_000);

test('a rotated token survives a lock on its row that outlasts lock_timeout', async () => {
  const ids = await storeGrants('locked');
  const locker = new Client({ connectionString: owner.url });
  await locker.connect();
  await role.sql(`alter role ${role.name} set lock_timeout = '200ms'`);
  try {
    await expectNothingLost({
      ids,
      begin: async () => {
        await locker.query('begin');
        await locker.query('select from grants where id = any($1) for update', [ids]);
      },
      end: () => locker.query('commit'),
    });
  } finally {
    await role.sql(`alter role ${role.name} reset lock_timeout`);
    await locker.end();
  }
}, 60_000);

test('a rotated token survives a time in which every transaction is read-only', async () => {
  const endSessions = () =>
    role.sql('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role.name]);
  await expectNothingLost({
    ids: await storeGrants('read-only'),
    begin: async () => {
      await role.sql(`alter role ${role.name} set default_transaction_read_only = on`);
      await endSessions();
    },
    end: async () => {
      await role.sql(`alter role ${role.name} reset default_transaction_read_only`);
      await endSessions();
    },
  });
}, 60_000);
