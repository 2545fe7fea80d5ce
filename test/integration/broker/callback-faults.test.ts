import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createStoreObtained } from '../../../src/broker/store-obtained.ts';
import { newId } from '../../../src/crypto/tokens.ts';
import { createPostgres, type Postgres } from '../../../src/postgres/postgres.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { anArrival } from '../../support/builders/grant.ts';
import { storeConnection } from '../../support/builders/stored.ts';
import { createLimitedRole, type LimitedRole } from '../../support/postgres/limited-role.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';

let owner: TestStores;
let role: LimitedRole;
let process: Postgres;
beforeAll(async () => {
  owner = await openTestStores();
  role = await createLimitedRole(owner.url);
  process = createPostgres({ connectionString: role.url, poolMax: 6, onError: () => {} });
  await role.sql('create table faults (code text not null)');
  await role.sql(`grant select on faults to ${role.name}`);
  await role.sql(`create function raise_fault() returns trigger language plpgsql as $$
    declare fault text := (select code from faults);
    begin
      if fault is not null then raise exception 'a fault' using errcode = fault; end if;
      return new;
    end $$`);
  await role.sql('create trigger fault before insert on grants for each row execute function raise_fault()');
});
afterAll(async () => {
  await process.close();
  await role.drop();
  await owner.end();
});

test.each(['55P03', 'XX000', '42501', '53100', '57014', '40001', '23514', 'ZZ999'])(
  'tokens of a code exchange that the database refuses with %s are stored once it takes them',
  async (code) => {
    const connection = await storeConnection(owner, aConnection('acme', `callback-${code.toLowerCase()}`));
    const errors: unknown[] = [];
    const storeObtained = createStoreObtained({ sleep, onError: (error) => errors.push(error) });
    await role.sql('insert into faults values ($1)', [code]);
    const id = newId();
    const write = () => process.database.write('acme', ({ grants }) => grants.insert(id, anArrival(connection)));
    const onGivenUp = vi.fn(async () => {});
    const stored = storeObtained(write, { isRefusal: () => false, onGivenUp });
    await vi.waitUntil(() => errors.length > 0, { timeout: 10_000 });
    await sleep(500);
    await role.sql('delete from faults');
    expect(await stored).toBe(true);
    expect((await owner.refreshes.find(id))?.grant).toMatchObject({ status: 'completed' });
    expect(onGivenUp).not.toHaveBeenCalled();
  },
);
