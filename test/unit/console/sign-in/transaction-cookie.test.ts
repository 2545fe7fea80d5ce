import { Signer } from '@fastify/cookie';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  openTransaction,
  sealTransaction,
  transactionCookie,
  transactionTtlMs,
} from '../../../../src/console/sign-in/transaction-cookie.ts';

const signer = new Signer('a secret of the service');
const now = new Date('2030-01-01T00:00:00.000Z');
const later = (ms: number) => new Date(now.getTime() + ms);
const token = fc.stringMatching(/^[\w-]{43}$/);
const page = fc.string({ minLength: 1, maxLength: 500, unit: 'binary' });
const transactions = fc.record(
  { state: token, nonce: token, codeVerifier: token, next: page },
  { requiredKeys: ['state', 'nonce', 'codeVerifier'] },
);
const transaction = { state: 's'.repeat(43), nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) };

test('a transaction is opened as it was sealed', () => {
  fc.assert(
    fc.property(transactions, (each) => {
      expect(openTransaction(signer, sealTransaction(signer, each, now), later(1000))).toEqual(each);
    }),
  );
});

test('a transaction ends after ten minutes', () => {
  const value = sealTransaction(signer, transaction, now);
  expect(openTransaction(signer, value, later(transactionTtlMs - 1))).toEqual(transaction);
  expect(openTransaction(signer, value, later(transactionTtlMs))).toBeUndefined();
});

test('a value with one other character, or signed with another key, is refused', () => {
  const value = sealTransaction(signer, transaction, now);
  fc.assert(
    fc.property(fc.nat(value.length - 1), fc.constantFrom('A', 'z', '0', '.'), (at, character) => {
      const changed = value.slice(0, at) + character + value.slice(at + 1);
      expect(openTransaction(signer, changed, now)).toEqual(changed === value ? transaction : undefined);
    }),
  );
  expect(openTransaction(signer, sealTransaction(new Signer('another'), transaction, now), now)).toBeUndefined();
});

test('a text that the service signed for another cookie is refused', () => {
  const { state, nonce, codeVerifier } = transaction;
  const text = [state, nonce, codeVerifier, 'zzzzzzz', ''].join('.');
  for (const other of [text, `other.${text}`, '', 'console-sign-in']) {
    expect(openTransaction(signer, signer.sign(other), now), other).toBeUndefined();
  }
});

test('scripts and posts of other sites never have the cookie, and other paths do not get it', () => {
  expect(transactionCookie('https://broker.example/oauth').options).toEqual({
    path: '/oauth/console/sign-in',
    httpOnly: true,
    secure: true,
    sameSite: 'lax',
    maxAge: 600,
  });
  expect(transactionCookie('https://broker.example').name).toMatch(/^__Secure-/);
  expect(transactionCookie('http://localhost:8080')).toMatchObject({
    name: expect.not.stringMatching(/^__/),
    options: { path: '/console/sign-in', secure: false },
  });
  expect(transactionCookie('http://localhost:8080').name).not.toBe(transactionCookie('http://localhost:8081').name);
});
