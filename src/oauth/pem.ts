import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** A client secret that is not the key its method needs. The message is for the administrator and never quotes it. */
export class UnusableKey extends Error {}

export interface KeyBundle {
  key: KeyObject;
  /** The key's own certificate first; empty where there is none. */
  certificates: X509Certificate[];
}

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]+-----END \1-----/g;
const privateLabels = new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']);

/** One private key (PKCS#8, or the older PKCS#1 and SEC 1) and any certificates, in any order. Throws UnusableKey. */
export function readPem(text: string): KeyBundle {
  const blocks = [...text.matchAll(block)].map(([pem, label = '']) => ({ pem, label }));
  if (blocks.some(({ label, pem }) => label === 'ENCRYPTED PRIVATE KEY' || pem.includes('Proc-Type:'))) {
    throw new UnusableKey('The private key is protected by a passphrase: give it without one.');
  }
  const [key, ...more] = blocks.filter(({ label }) => privateLabels.has(label));
  if (key === undefined) throw new UnusableKey('It holds no private key in PEM form (-----BEGIN PRIVATE KEY-----).');
  if (more.length > 0) throw new UnusableKey('It holds more than one private key.');
  const privateKey = parse(() => createPrivateKey(key.pem), 'The private key cannot be read.');
  const certificates = blocks
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ pem }) => parse(() => new X509Certificate(pem), 'A certificate cannot be read.'));
  return { key: privateKey, certificates: ownFirst(privateKey, certificates) };
}

/** RFC 8446 §4.4.2: the sender's certificate comes first, whatever order the file has them in. */
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
    // The library's error may quote what it could not read.
    throw new UnusableKey(message);
  }
}
