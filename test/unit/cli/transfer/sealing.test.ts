import { generateIdentity, identityToRecipient } from 'age-encryption';
import { exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { createOpenLine } from '../../../../src/cli/transfer/sealing/open-line.ts';
import { createOpen, createSeal } from '../../../../src/cli/transfer/sealing/sealer.ts';

async function agePair() {
  const identity = await generateIdentity();
  return { identity: `# created: 2030\n${identity}\n`, recipient: await identityToRecipient(identity) };
}

async function jwkPair(alg: string, options = {}) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, ...options });
  const text = async (key: typeof publicKey) => JSON.stringify({ ...(await exportJWK(key)), kid: 'k1' });
  return { identity: await text(privateKey), recipient: await text(publicKey) };
}

const kinds: [string, () => Promise<{ identity: string; recipient: string }>][] = [
  ['age', agePair],
  ['RSA', () => jwkPair('RSA-OAEP-256')],
  ['EC', () => jwkPair('ECDH-ES+A256KW')],
  ['OKP', () => jwkPair('ECDH-ES+A256KW', { crv: 'X25519' })],
];

const line = { connection_name: 'crm', subject: 'ada', access_token: 'a-secret-token' };
const clear = { connection_name: 'crm', subject: 'ada' };

test.each(kinds)('a line sealed to a key of the kind %s is opened by its private key alone', async (_kind, pair) => {
  const [own, other] = [await pair(), await pair()];
  const sealed = await (await createSeal(own.recipient))(JSON.stringify(line));
  expect(sealed).not.toContain('a-secret-token');
  expect(await (await createOpen(own.identity))(sealed)).toBe(JSON.stringify(line));
  await expect((await createOpen(other.identity))(sealed)).rejects.toThrow();
});

test('a sealed line is opened only in its own place', async () => {
  const { identity, recipient } = await agePair();
  const open = await createOpenLine(identity);
  const sealed = await (await createSeal(recipient))(JSON.stringify(line));
  const opened = (content: unknown) => open({ line: 1, content: JSON.stringify(content) });
  expect(await opened({ ...clear, sealed })).toEqual({ line: 1, content: JSON.stringify(line) });
  for (const moved of [{ subject: 'eve' }, { organization_id: 'acme' }, { connection_name: 'other' }]) {
    expect(await opened({ ...clear, ...moved, sealed })).toMatchObject({
      content: { code: 'invalid_request', errors: [{ path: 'sealed', message: expect.stringMatching('differs') }] },
    });
  }
  expect(await opened({ ...clear, sealed: 'AAAA' })).toMatchObject({ content: { code: 'invalid_request' } });
  // Lines without sealed tokens go on as they are.
  expect(await opened(line)).toEqual({ line: 1, content: JSON.stringify(line) });
});

test.each<[string, () => Promise<string>, RegExp]>([
  ['a private key', async () => (await jwkPair('RSA-OAEP-256')).identity, /private key/],
  ['a symmetric key', async () => JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' }), /private key/],
  ['a key for signatures', async () => JSON.stringify({ kty: 'EC', use: 'sig' }), /signatures/],
  ['an incomplete key', async () => JSON.stringify({ kty: 'EC', crv: 'P-256' }), /not a valid key/],
  ['an age identity', async () => (await agePair()).identity, /neither an age public key/],
  ['a broken age recipient', async () => 'age1broken', /not a valid age public key/],
  ['nothing', async () => '', /neither/],
])('%s is no recipient, and is never repeated', async (_kind, text, message) => {
  const recipient = await text();
  const failure: unknown = await createSeal(recipient).catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: expect.stringMatching(message), exitCode: 2 });
  for (const part of recipient.match(/[\w-]{20,}/g) ?? []) expect(String(failure)).not.toContain(part);
});
