import type { Caller, Trace } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { DataKeyStore, DataKeyUse } from '../../domain/ports/keys.ts';
import {
  type KeyHolder,
  type KeyHolderStore,
  type KeyRotationStore,
  type SealedPlace,
  type SealedValueStore,
  sealedPlaces,
} from '../../domain/ports/maintenance/key-rotation.ts';
import { keyEvent } from './rotate-keys.ts';

/**
 * Removes a data key that no stored value, no spool and no process uses. `abandonsEnded`: the data directories of ended
 * processes are gone, so their spools need no key. Throws not_found, data_key_in_use.
 */
export type RetireDataKey = (
  caller: Caller,
  id: string,
  options: { abandonsEnded: boolean },
  trace: Trace,
) => Promise<void>;

export interface RetireDataKeyDeps {
  dataKeys: Pick<DataKeyStore, 'list'>;
  keyHolders: Pick<KeyHolderStore, 'list'>;
  rotations: Pick<KeyRotationStore, 'removeDataKey'>;
  sealedValues: Pick<SealedValueStore, 'count'>;
  clock: () => Date;
}

/**
 * Time in milliseconds between the last seal under a key and its removal. It must exceed the longest work that holds a
 * sealed value in memory before it is stored: a provider call with its retries, and the age of a cached credential.
 */
const quietMs = 10 * 60_000;
/** Rows of one counting statement. Each reads the key id of every value, and no secret leaves the database. */
const countPageSize = 2_000;

export function createRetireDataKey(deps: RetireDataKeyDeps): RetireDataKey {
  const { dataKeys, keyHolders, rotations, clock } = deps;
  return async (caller, id, { abandonsEnded }, trace) => {
    const key = (await dataKeys.list()).find((one) => one.id === id);
    if (key === undefined) throw BrokerError.of('not_found', 'There is no such data key.');
    const holders = await keyHolders.list();
    const users = holders.filter((holder) => uses(holder, id) && !(abandonsEnded && !holder.isLive));
    const values = await countValues(deps, id);
    refuseIfInUse(key, values, users, clock());
    const abandoned = abandonsEnded ? holders.filter(({ isLive }) => !isLive).map((holder) => holder.id) : [];
    const details = { data_key_id: id, abandoned_processes: abandoned };
    const event = keyEvent('encryption.data_key_retired', caller.id, clock(), details, trace);
    if (!(await rotations.removeDataKey(id, abandoned, event))) {
      throw BrokerError.of('not_found', 'There is no such data key.');
    }
  };
}

/** An ended process may have spooled a token set under the key that it sealed with, after its last report. */
function uses(holder: KeyHolder, id: string): boolean {
  return holder.sealingKeyId === null || holder.sealingKeyId === id || holder.spooledKeyIds.includes(id);
}

/** In the order of the places: a copy of a value is counted after its origin. */
async function countValues({ sealedValues }: RetireDataKeyDeps, id: string): Promise<Map<SealedPlace, number>> {
  const counts = new Map<SealedPlace, number>();
  for (const place of sealedPlaces) {
    let total = 0;
    for (let after: string | null | undefined; after !== null; ) {
      const { found, next } = await sealedValues.count(place, id, after ?? null, countPageSize);
      total += found;
      after = next;
    }
    if (total > 0) counts.set(place, total);
  }
  return counts;
}

function refuseIfInUse(
  key: DataKeyUse,
  values: ReadonlyMap<SealedPlace, number>,
  users: readonly KeyHolder[],
  now: Date,
): void {
  const total = [...values.values()].reduce((sum, count) => sum + count, 0);
  const quietFrom = key.sealedUntil === null ? null : new Date(key.sealedUntil.getTime() + quietMs);
  const isQuiet = key.state === 'opening' && quietFrom !== null && quietFrom <= now;
  if (isQuiet && total === 0 && users.length === 0) return;
  throw BrokerError.with('data_key_in_use', messageOf(key, total, users, quietFrom), {
    values: Object.fromEntries(values),
    processes: users.map(({ id, host, isLive }) => ({ id, host, is_live: isLive })),
    retirable_from: quietFrom?.toISOString() ?? null,
  });
}

function messageOf(key: DataKeyUse, total: number, users: readonly KeyHolder[], quietFrom: Date | null): string {
  if (key.state !== 'opening') {
    return `The data key ${key.id} seals new values, or is about to. Rotate first: POST /admin/encryption/rotate.`;
  }
  if (total > 0)
    return `${total} stored values are sealed under the data key ${key.id}. Rotate first, and let it finish.`;
  if (users.length > 0) {
    return `${users.length} processes seal with the data key ${key.id} or may hold unsaved tokens under it. Start a process on each of their data directories, or repeat with abandon_ended=true if those are gone.`;
  }
  return `The data key ${key.id} sealed until a short time ago, so a value may still be on its way. Repeat after ${quietFrom?.toISOString() ?? 'the rotation'}.`;
}
