import type { KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import { dataKeyIdOf } from '../../crypto/cipher.ts';
import type { DeferredCipher } from '../../crypto/deferred-cipher.ts';
import { createKeyRing, type KeyRing } from '../../crypto/key-ring.ts';
import { newId } from '../../crypto/tokens.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { KeyEncryptionKeys } from '../../domain/ports/keys.ts';
import type { Spool } from '../../domain/ports/spool.ts';
import type { SharedClock } from '../../postgres/driver/shared-clock.ts';
import { channels } from '../../postgres/notify/channels.ts';
import type { Listener } from '../../postgres/notify/listener.ts';
import type { Postgres } from '../../postgres/postgres.ts';
import { createSealCounts } from './seal-counts.ts';

export interface KeyWatch {
  /** Loads every data key and reports it. Throws KeyUnavailable if one cannot be opened. */
  open(): Promise<void>;
  /** Keys that are loaded, the sealing one first. Empty until `open` has loaded them. */
  dataKeys(): readonly KeyObject[];
  /** Looks for changes from now on. */
  start(): void;
  /** Looks for changes once, and once more if it is called meanwhile. Never rejects. */
  look(): Promise<void>;
  /** Reports the last counts. Removes the report of this process if its spool is empty. */
  stop(): Promise<void>;
}

export interface KeyWatchParts {
  postgres: Pick<Postgres, 'dataKeys' | 'keyHolders'> & {
    listener: Pick<Listener, 'subscribe'>;
    clock: Pick<SharedClock, 'now'>;
  };
  keyEncryptionKeys: KeyEncryptionKeys;
  cipher: DeferredCipher;
  spool: Pick<Spool, 'list'>;
  process: { id: string; host: string };
  /** Continues a rotation; undefined in a process without background work. */
  continueRotation: (() => Promise<boolean>) | undefined;
  /** Begins a rotation because the sealing key is worn out. */
  replaceDataKey: () => Promise<unknown>;
  log: Pick<Logger, 'error' | 'info'>;
  onError: (error: unknown) => void;
}

/** Must stay well below the silence after which a rotation no longer waits for a process. */
const everyMs = 10_000;
/** Half of the limit of one key (NIST SP 800-38D §8.3): the other half is for the time that a rotation takes. */
export const sealsPerDataKey = 2 ** 31;
/** Ids of lost keys that are remembered. Bounds the memory; a forgotten id is looked up again. */
const maxAbsent = 1_000;

export function createKeyWatch(parts: KeyWatchParts): KeyWatch {
  const { postgres, keyEncryptionKeys, cipher, spool, log, onError } = parts;
  const { dataKeys, keyHolders } = postgres;
  const counts = createSealCounts(dataKeys);
  let ring: KeyRing | undefined;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let isRoundWanted = false;
  let rotating: Promise<void> | undefined;
  let loggedMissing = '';
  const wanted = new Set<string>();
  /** Keys that are not stored. A value under one of them is lost, and no other look-up helps. */
  const absent = new Set<string>();

  function onUnknownKey(dataKeyId: string): BrokerError | undefined {
    if (absent.has(dataKeyId)) return undefined;
    wanted.add(dataKeyId);
    void look();
    return BrokerError.with('service_unavailable', 'The service is loading a new data key.', { retry_after: 1 });
  }

  async function load(earlier: KeyRing | undefined): Promise<KeyRing> {
    const looked = [...wanted];
    const { now: clock } = postgres.clock;
    const base = { keys: dataKeys, keyEncryptionKeys, newId, clock, onUnknownKey };
    const next = await createKeyRing(earlier === undefined ? base : { ...base, earlier });
    if (ring !== undefined) counts.take(ring);
    ring = next;
    cipher.activate(next.cipher);
    for (const id of looked) {
      wanted.delete(id);
      if (absent.size >= maxAbsent) absent.clear();
      if (!next.opened.has(id)) absent.add(id);
    }
    logMissing(next);
    return next;
  }

  function logMissing({ missing }: KeyRing): void {
    const messages = missing.map((error) => error.message);
    const text = messages.join('\n');
    if (text !== loggedMissing && text !== '') log.error({ reasons: messages }, 'data key cannot be opened');
    loggedMissing = text;
  }

  async function report(held: KeyRing | undefined): Promise<void> {
    const spooled = await spool.list();
    await keyHolders.report({
      ...parts.process,
      encryptionKeyIds: [...keyEncryptionKeys.ids],
      dataKeyIds: [...(held?.dataKeyIds ?? [])],
      sealingKeyId: held?.sealingKeyId ?? null,
      spooledKeyIds: [...new Set(spooled.map(({ tokens }) => dataKeyIdOf(tokens.sealed)))],
    });
  }

  async function lookOnce(): Promise<void> {
    const held = await load(ring);
    await report(held);
    counts.take(held);
    await counts.save();
    if (parts.continueRotation === undefined) return;
    if (held.storedSeals >= sealsPerDataKey) await parts.replaceDataKey();
    rotating ??= parts
      .continueRotation()
      .then((goesOn) => {
        isRoundWanted ||= goesOn;
      })
      .catch(onError)
      .finally(() => {
        rotating = undefined;
        if (isRoundWanted && timer !== undefined) void look();
      });
  }

  async function lookWhileWanted(): Promise<void> {
    while (isRoundWanted) {
      isRoundWanted = false;
      await lookOnce().catch(onError);
    }
    round = undefined;
  }

  function look(): Promise<void> {
    isRoundWanted = true;
    round ??= lookWhileWanted();
    return round;
  }

  return {
    async open() {
      // First without keys: a rotation waits for this process, which may have read the table before a new key came.
      await report(undefined);
      await report(await load(undefined));
    },
    dataKeys() {
      const opened = [...(ring?.opened.values() ?? [])];
      const sealing = opened.filter(({ id }) => id === ring?.sealingKeyId);
      return [...sealing, ...opened.filter(({ id }) => id !== ring?.sealingKeyId)].map(({ key }) => key);
    },
    start() {
      postgres.listener.subscribe(channels.keysChanged, () => void look());
      timer = setInterval(look, everyMs);
      void look();
    },
    look,
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await Promise.all([round, rotating]);
      if (ring === undefined) return;
      counts.take(ring);
      await counts.save().catch(onError);
      const isEmpty = (await spool.list()).length === 0;
      await (isEmpty ? keyHolders.remove(parts.process.id) : report(ring)).catch(onError);
    },
  };
}
