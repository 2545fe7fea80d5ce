import type { KeyObject } from 'node:crypto';
import { BrokerError } from '../domain/errors.ts';
import type { Cipher, SealedAt } from '../domain/ports/cipher.ts';
import { decrypt, encrypt } from './authenticated-encryption.ts';

/** Version of the byte layout: version byte, data key id (16 bytes), nonce, ciphertext, tag. */
const layoutVersion = 1;
/** The same layout. The context also holds `boundTo`. A value of one version never opens as one of the other. */
const boundLayoutVersion = 2;
const idBytes = 16;
const headerBytes = 1 + idBytes;
/** Version of the plaintext's meaning. The context holds it: a value sealed under another version does not open. */
const schemaVersion = 1;

export interface OpenDataKey {
  id: string;
  key: KeyObject;
}

export interface CipherEvents {
  /** Called once for each sealed value. */
  onSeal?: () => void;
  /** Returns the error for a value under a key that the cipher does not hold. Undefined: the key is lost. */
  onUnknownKey?: (dataKeyId: string) => BrokerError | undefined;
}

/** Seals under `sealing` and opens under any of `all`. The key ring has already checked every key. */
export function createCipher(sealing: OpenDataKey, all: readonly OpenDataKey[], events: CipherEvents = {}): Cipher {
  const byId = new Map(all.map(({ id, key }) => [plainHex(id), key]));
  const headerOf = (version: number) =>
    Buffer.concat([Uint8Array.of(version), Buffer.from(plainHex(sealing.id), 'hex')]);
  const header = headerOf(layoutVersion);
  const boundHeader = headerOf(boundLayoutVersion);
  return {
    seal: (plaintext, at) => {
      events.onSeal?.();
      const isBound = at.boundTo !== undefined;
      return encrypt(
        sealing.key,
        Buffer.from(plaintext, 'utf8'),
        isBound ? boundHeader : header,
        contextOf(at, isBound),
      );
    },
    open: (sealed, at) => {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const version = bytes[0];
      if ((version !== layoutVersion && version !== boundLayoutVersion) || bytes.length < headerBytes) {
        throw unreadable('Its layout is unknown.');
      }
      const id = bytes.toString('hex', 1, headerBytes);
      const key = byId.get(id);
      if (key === undefined) {
        throw (
          events.onUnknownKey?.(toUuid(id)) ??
          unreadable(`It names the data key ${id}, which this process does not hold.`)
        );
      }
      try {
        return decrypt(key, bytes, headerBytes, contextOf(at, version === boundLayoutVersion)).toString('utf8');
      } catch (cause) {
        throw unreadable(`It was altered or moved: ${at.table}.${at.column} of ${at.row}.`, cause);
      }
    },
  };
}

/** Returns the id of the data key that a value is sealed under. */
export function dataKeyIdOf(sealed: Uint8Array): string {
  return toUuid(Buffer.from(sealed.subarray(1, headerBytes)).toString('hex'));
}

/** Encodes the place as a JSON array: two different places never encode alike, and null differs from "null". */
function contextOf({ organizationId, table, row, column, boundTo }: SealedAt, isBound: boolean): Buffer {
  const place = [schemaVersion, organizationId, table, row, column];
  return Buffer.from(JSON.stringify(isBound ? [...place, boundTo ?? null] : place), 'utf8');
}

function plainHex(uuid: string): string {
  return uuid.replaceAll('-', '').toLowerCase();
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function unreadable(detail: string, cause?: unknown): BrokerError {
  const error = new Error(detail, cause === undefined ? undefined : { cause });
  return BrokerError.of('internal_error', 'A stored secret could not be opened.', error);
}
