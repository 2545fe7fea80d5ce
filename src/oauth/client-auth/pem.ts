import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readRsaNumbers, rsaSizeFault, rsaSizeMessage } from './rsa-numbers.ts';

/** Thrown if a client secret is not the key that its method needs. The message, for administrators, never quotes it. */
export class UnusableKey extends Error {}

export interface KeyBundle {
  key: KeyObject;
  /** The key's own certificate first; empty if the bundle holds no certificate. */
  certificates: X509Certificate[];
}

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]+-----END \1-----/g;
/** Maximum characters of one private key in PEM. An RSA key of 4096 bits has 3,300. */
const maxKeyCharacters = 8000;
const unreadableKey = 'The private key cannot be read.';
const privateLabels = new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']);

/** Reads one private key (PKCS#8, PKCS#1 or SEC 1) and any certificates, in any order. Throws UnusableKey. */
export function readPem(text: string): KeyBundle {
  const blocks = [...text.matchAll(block)].map(([pem, label = '']) => ({ pem, label }));
  if (blocks.some(({ label, pem }) => label === 'ENCRYPTED PRIVATE KEY' || pem.includes('Proc-Type:'))) {
    throw new UnusableKey('The private key is protected by a passphrase: give it without one.');
  }
  const [key, ...more] = blocks.filter(({ label }) => privateLabels.has(label));
  if (key === undefined) throw new UnusableKey('It holds no private key in PEM form (-----BEGIN PRIVATE KEY-----).');
  if (more.length > 0) throw new UnusableKey('It holds more than one private key.');
  checkSize(key);
  const privateKey = parse(() => createPrivateKey(key.pem), unreadableKey);
  const certificates = blocks
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ pem }) => parse(() => new X509Certificate(pem), 'A certificate cannot be read.'));
  return { key: privateKey, certificates: ownFirst(privateKey, certificates) };
}

/** Checks the key by the lengths of its numbers before the library works with them: a huge one takes minutes. */
function checkSize({ pem, label }: { pem: string; label: string }): void {
  if (pem.length > maxKeyCharacters) throw new UnusableKey(rsaSizeMessage);
  if (label === 'EC PRIVATE KEY') return;
  const der = Buffer.from(pem.replace(/-----[^-]*-----/g, ''), 'base64');
  const numbers = readRsaNumbers(der, label === 'RSA PRIVATE KEY' ? 'pkcs1' : 'pkcs8');
  if (numbers === undefined) throw new UnusableKey(unreadableKey);
  const fault = numbers === null ? null : rsaSizeFault(numbers);
  if (fault !== null) throw new UnusableKey(fault);
}

/** Puts the key's own certificate first, as the TLS handshake requires (RFC 8446 §4.4.2). */
function ownFirst(key: KeyObject, certificates: X509Certificate[]): X509Certificate[] {
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (own === undefined) {
    if (certificates.length > 0) throw new UnusableKey('The private key belongs to none of the certificates.');
    return [];
  }
  return [own, ...certificates.filter((certificate) => certificate !== own)];
}

function parse<T>(read: () => T, message: string): T {
  try {
    return read();
  } catch {
    // The library's error may quote the key: it is dropped.
    throw new UnusableKey(message);
  }
}
