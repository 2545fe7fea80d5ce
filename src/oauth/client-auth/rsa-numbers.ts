/** Numbers of an RSA private key (RFC 8017 §A.1.2), each as unsigned bytes. */
export interface RsaNumbers {
  n: Buffer;
  e: Buffer;
  d: Buffer;
  p: Buffer;
  q: Buffer;
  dp: Buffer;
  dq: Buffer;
  qi: Buffer;
}

/**
 * Bits of an RSA key. RFC 7518 §3.3 forbids smaller keys. The time of a signature grows with the cube: 4096 bits take a
 * few milliseconds, 24,576 bits take a second, in the TLS handshake on the event loop.
 */
const rsaBits = { min: 2048, max: 4096 };
/** FIPS 186-5 §5.4 e. A longer public exponent makes every operation as slow as a signature. */
const maxExponentBits = 256;
/** Bits by which a prime may exceed half the modulus. Unequal primes take away the speed of two short ones. */
const primeSpreadBits = 64;

export const rsaSizeMessage = `An RSA key must have ${rsaBits.min} bits or more, and at most ${rsaBits.max}.`;

/** Returns the fault of an RSA key's numbers by their lengths alone, or null. Costs nothing, whatever the key. */
export function rsaSizeFault({ n, e, d, p, q, dp, dq, qi }: RsaNumbers): string | null {
  const bits = bitsOf(n);
  if (bits < rsaBits.min || bits > rsaBits.max) return rsaSizeMessage;
  const maxPrimeBits = bits / 2 + primeSpreadBits;
  const fits =
    bitsOf(e) <= maxExponentBits &&
    bitsOf(d) <= bits &&
    bitsOf(p) + bitsOf(q) >= bits &&
    [p, q, dp, dq, qi].every((number) => bitsOf(number) <= maxPrimeBits);
  return fits ? null : 'The numbers of the RSA key do not belong together.';
}

function bitsOf(number: Buffer): number {
  const first = number.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
}

/**
 * Reads the RSA numbers of a private key in PKCS#1 or PKCS#8 (RFC 5208 §5) DER. Returns null for a key of another kind,
 * and undefined if the bytes cannot be read.
 */
export function readRsaNumbers(der: Buffer, form: 'pkcs1' | 'pkcs8'): RsaNumbers | null | undefined {
  if (form === 'pkcs1') return readPkcs1(der);
  const [version, algorithm, key] = readSequence(der) ?? [];
  const [identifier] = readElements(algorithm?.content) ?? [];
  if (version?.tag !== tags.integer || identifier?.tag !== tags.identifier || key?.tag !== tags.octets)
    return undefined;
  return rsaIdentifiers.has(identifier.content.toString('hex')) ? readPkcs1(key.content) : null;
}

/** rsaEncryption and id-RSASSA-PSS (RFC 8017 §A.1, §A.2.3). */
const rsaIdentifiers: ReadonlySet<string> = new Set(['2a864886f70d010101', '2a864886f70d01010a']);
const tags = { integer: 0x02, octets: 0x04, identifier: 0x06, sequence: 0x30 };

function readPkcs1(der: Buffer): RsaNumbers | undefined {
  const elements = readSequence(der) ?? [];
  const [version, n, e, d, p, q, dp, dq, qi] = elements.map(({ content }) => content);
  // Version 1 has more than two primes, which no provider's library accepts.
  if (
    elements.length !== 9 ||
    !elements.every(({ tag }) => tag === tags.integer) ||
    version?.some((byte) => byte !== 0)
  )
    return undefined;
  return n && e && d && p && q && dp && dq && qi ? { n, e, d, p, q, dp, dq, qi } : undefined;
}

interface Element {
  tag: number;
  content: Buffer;
}

function readSequence(der: Buffer): Element[] | undefined {
  const [sequence, ...more] = readElements(der) ?? [];
  return sequence?.tag === tags.sequence && more.length === 0 ? readElements(sequence.content) : undefined;
}

/** Splits DER into its elements (X.690 §8.1). Returns undefined if a length does not fit. */
function readElements(der: Buffer | undefined): Element[] | undefined {
  if (der === undefined) return undefined;
  const elements: Element[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at] ?? 0;
    const first = der[at + 1];
    if (first === undefined) return undefined;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + lengthBytes;
    if (lengthBytes > 3 || first === 0x80 || start > der.length) return undefined;
    const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
    if (start + length > der.length) return undefined;
    elements.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}
