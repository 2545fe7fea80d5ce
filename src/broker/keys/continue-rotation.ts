import type { DataKeyMaker, DataKeyStore } from '../../domain/ports/keys.ts';
import {
  type KeyHolder,
  type KeyHolderStore,
  type KeyRotation,
  type KeyRotationStore,
  type RotationProgress,
  sealedPlaces,
} from '../../domain/ports/maintenance/key-rotation.ts';
import type { ResealBatch } from './reseal-batch.ts';
import { keyEvent } from './rotate-keys.ts';

/**
 * Continues the active rotation as far as it can go now. Returns at once if there is none, if another process works on
 * it, or if it waits for a process. Resolves to true if the caller can go on when it has loaded the keys again.
 */
export type ContinueRotation = () => Promise<boolean>;

export interface ContinueRotationDeps {
  rotations: KeyRotationStore;
  keyHolders: Pick<KeyHolderStore, 'list'>;
  dataKeys: Pick<DataKeyStore, 'list'>;
  dataKeyMaker: DataKeyMaker;
  resealBatch: ResealBatch;
  /** Id of this process as the owner of the lease. */
  owner: string;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  ended: AbortSignal;
  onFinished: (rotation: KeyRotation) => void;
}

/** Must exceed the time of one batch with its pause: a lease that lapses lets a second process repeat a batch. */
const leaseMs = 30_000;
/** Pause after each batch as a multiple of its duration: re-sealing uses a third of one connection at most. */
const pausePerBatch = 2;
const shortestPauseMs = 5;

export function createContinueRotation(deps: ContinueRotationDeps): ContinueRotation {
  const { rotations, keyHolders, dataKeyMaker, owner, ended } = deps;
  return async () => {
    const rotation = await rotations.claim(owner, leaseMs);
    if (rotation === undefined) return false;
    try {
      // The first key of ENCRYPTION_KEYS differs between processes while they are restarted one by one.
      if (rotation.encryptionKeyId !== dataKeyMaker.keyEncryptionKeyId) return false;
      const waitsFor = processesToWaitFor(rotation, await keyHolders.list());
      if (waitsFor.length > 0 || ended.aborted) return false;
      if (rotation.state === 'distributing') {
        await takeKeysIntoUse(deps, rotation);
        return rotation.dataKeyId !== null;
      }
      await reseal(deps, rotation);
      return false;
    } finally {
      await rotations.release(rotation.id, owner);
    }
  };
}

/**
 * Lists the live processes that a rotation waits for. A process must hold the new keys before any process seals with
 * them, and must seal with the new key before the values are sealed anew.
 */
export function processesToWaitFor(rotation: KeyRotation, holders: readonly KeyHolder[]): KeyHolder[] {
  const { state, dataKeyId, encryptionKeyId } = rotation;
  if (state === 'finished') return [];
  return holders.filter((holder) => {
    if (!holder.isLive) return false;
    if (state === 'resealing') return holder.sealingKeyId !== dataKeyId;
    const holdsDataKey = dataKeyId === null || holder.dataKeyIds.includes(dataKeyId);
    return !holdsDataKey || !holder.encryptionKeyIds.includes(encryptionKeyId);
  });
}

/** Wraps every data key with the current key-encryption key, then lets the new data key take over the sealing. */
async function takeKeysIntoUse(deps: ContinueRotationDeps, rotation: KeyRotation): Promise<void> {
  const { rotations, dataKeys, dataKeyMaker, owner } = deps;
  for (const key of await dataKeys.list()) {
    if (key.keyEncryptionKeyId === rotation.encryptionKeyId) continue;
    await rotations.storeWrapping(key, await dataKeyMaker.rewrap(key));
  }
  if (rotation.dataKeyId === null) return finish(deps, rotation);
  await rotations.promote(rotation.dataKeyId);
  const progress = beginPass({ ...rotation, examined: 0, resealed: 0 });
  // The pass begins in a later call, when every process has reported that it seals with the new key.
  await rotations.save(rotation.id, owner, { ...progress, state: 'resealing' }, leaseMs);
}

/** Continues the pass from its last batch. A pass that missed a value is followed by another one. */
async function reseal(deps: ContinueRotationDeps, rotation: KeyRotation): Promise<void> {
  const { rotations, resealBatch, owner, clock, sleep, ended } = deps;
  const { id, dataKeyId } = rotation;
  if (dataKeyId === null) return;
  let progress: RotationProgress = rotation;
  while (progress.place !== null) {
    if (ended.aborted) return;
    const startedAt = clock().getTime();
    const batch = await resealBatch(progress.place, dataKeyId, progress.cursor);
    progress = {
      ...progress,
      examined: progress.examined + batch.examined,
      resealed: progress.resealed + batch.resealed,
      contended: progress.contended + batch.contended,
      unreadable: progress.unreadable + batch.unreadable,
      place: batch.next === null ? placeAfter(progress.place) : progress.place,
      cursor: batch.next,
    };
    if (!(await rotations.save(id, owner, progress, leaseMs))) return;
    const pauseMs = Math.max(shortestPauseMs, (clock().getTime() - startedAt) * pausePerBatch);
    await sleep(pauseMs, ended).catch(() => undefined);
  }
  // A value that another write held is examined again. Values that do not open stay, and are counted.
  if (progress.contended > 0) await rotations.save(id, owner, beginPass(progress), leaseMs);
  else await finish(deps, { ...rotation, ...progress });
}

async function finish(deps: ContinueRotationDeps, rotation: KeyRotation): Promise<void> {
  const { rotations, owner, clock, onFinished } = deps;
  const { id, encryptionKeyId, dataKeyId, startedBy, resealed, unreadable } = rotation;
  const details = { encryption_key_id: encryptionKeyId, data_key_id: dataKeyId, resealed, unreadable };
  await rotations.finish(id, owner, keyEvent('encryption.rotation_finished', startedBy, clock(), details));
  onFinished(rotation);
}

function beginPass(progress: RotationProgress): RotationProgress {
  const { state, pass, examined, resealed } = progress;
  return {
    state,
    pass: pass + 1,
    place: sealedPlaces[0],
    cursor: null,
    examined,
    resealed,
    contended: 0,
    unreadable: 0,
  };
}

function placeAfter(place: RotationProgress['place']): RotationProgress['place'] {
  return place === null ? null : (sealedPlaces[sealedPlaces.indexOf(place) + 1] ?? null);
}
