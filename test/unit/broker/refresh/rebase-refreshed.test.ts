import { expect, test } from 'vitest';
import { createFingerprint, createRebaseRefreshed } from '../../../../src/broker/refresh/rebase-refreshed.ts';
import { openTokens, sealTokens } from '../../../../src/broker/sealing.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';
import { aTokenSet } from '../../../support/builders/provider.ts';
import { aSpoolEntry } from '../../../support/builders/refreshed.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';

const cipher = createMemoryCipher();
const rotatedAt = new Date('2030-01-01T12:00:00Z');
const before = new Date(rotatedAt.getTime() - 1);
const after = new Date(rotatedAt.getTime() + 1);

/** A row, and an entry of the spool that was built on version 5 of it. */
async function rebased(row: { version: number; obtainedAt: Date | null; hasTokens?: boolean }) {
  const { base: spooledBase, ...spooled } = aSpoolEntry();
  const { id, organizationId } = spooledBase;
  const base = { ...spooledBase, version: 5 };
  const { version, obtainedAt, hasTokens = true } = row;
  const sealedTokens = hasTokens ? sealTokens(cipher, { id, organizationId }, aTokenSet('old', 'old')) : null;
  const grant = aGrant({ id, organizationId, version, sealedTokens, metadata: someMetadata({ obtainedAt }) });
  const rebase = createRebaseRefreshed({
    find: async () => ({ grant, connection: aConnection('acme', 'spooled') }),
    cipher,
    fingerprint: createFingerprint({ sha256Text: (text) => text }),
  });
  const sealed = sealTokens(cipher, base, aTokenSet('new', 'new'));
  const entry = {
    ...spooled,
    base,
    tokens: { ...spooled.tokens, sealed },
    event: { ...spooled.event, time: rotatedAt },
  };
  const result = await rebase(entry);
  if (result === undefined) return undefined;
  return [result.base.version, openTokens(cipher, result.base, result.tokens.sealed).accessToken.reveal()];
}

test.for([
  ['the row of an older backup takes the token set', { version: 3, obtainedAt: before }, [3, 'new']],
  ['a row without the time of its tokens, too', { version: 3, obtainedAt: null }, [3, 'new']],
  ['a restored row that was refreshed since keeps its tokens', { version: 4, obtainedAt: after }, undefined],
  [
    'a restored row whose tokens were revoked since stays',
    { version: 4, obtainedAt: null, hasTokens: false },
    undefined,
  ],
  ['a row that is newer keeps its tokens', { version: 6, obtainedAt: before }, undefined],
] as const)('%s', async ([, row, expected]) => {
  expect(await rebased(row)).toEqual(expected);
});
