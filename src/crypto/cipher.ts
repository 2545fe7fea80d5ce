import type { KeyObject } from 'node:crypto';
import { BrokerError } from '../domain/errors.ts';
import type { Cipher, SealedAt } from '../domain/ports/cipher.ts';
import { decrypt, encrypt, nonceBytes } from './authenticated-encryption.ts';
import { createNonces } from './nonces.ts';

/** Of the layout: version byte, data key id (16 bytes), nonce, ciphertext, tag. */
const layoutVersion = 1;
const idBytes = 16;
const headerBytes = 1 + idBytes;
/** Of what the plaintext means; part of the context, so that a value of another meaning does not open as this one. */
const schemaVersion = 1;

export interface OpenDataKey {
  id: string;
  key: KeyObject;
}

/** Seals under `sealing` and opens under any of `all`; the key ring has proved them. */
export function createCipher(sealing: OpenDataKey, all: readonly OpenDataKey[]): Cipher {
  const byId = new Map(all.map(({ id, key }) => [plainHex(id), key]));
  const newNonce = createNonces(nonceBytes);
  const header = Buffer.concat([Uint8Array.of(layoutVersion), Buffer.from(plainHex(sealing.id), 'hex')]);
  return {
    seal: (plaintext, at) => encrypt(sealing.key, Buffer.from(plaintext, 'utf8'), header, contextOf(at), newNonce()),
    open: (sealed, at) => {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes[0] !== layoutVersion || bytes.length < headerBytes) throw unreadable('Its layout is unknown.');
      const id = bytes.toString('hex', 1, headerBytes);
      const key = byId.get(id);
      if (key === undefined) throw unreadable(`It names the data key ${id}, which this process does not hold.`);
      try {
        return decrypt(key, bytes, headerBytes, contextOf(at)).toString('utf8');
      } catch (cause) {
        throw unreadable(`It was altered or moved: ${at.table}.${at.column} of ${at.row}.`, cause);
      }
    },
  };
}

/** As a JSON array: no two places share a spelling, whatever characters their parts hold, and null is not "null". */
function contextOf({ organizationId, table, row, column }: SealedAt): Buffer {
  return Buffer.from(JSON.stringify([schemaVersion, organizationId, table, row, column]), 'utf8');
}

function plainHex(uuid: string): string {
  return uuid.replaceAll('-', '').toLowerCase();
}

function unreadable(detail: string, cause?: unknown): BrokerError {
  const error = new Error(detail, cause === undefined ? undefined : { cause });
  return BrokerError.of('internal_error', 'A stored secret could not be opened.', error);
}
