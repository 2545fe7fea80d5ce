import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface Certified {
  /** PEM. */
  cert: string;
  /** PKCS#8 PEM. */
  key: string;
  privateKey: KeyObject;
  name: string;
}

export interface CertificateOptions {
  /** Absent: the certificate is self-signed. */
  issuer?: Certified;
  isAuthority?: boolean;
  validTo?: Date;
}

/** Makes a certificate for localhost and 127.0.0.1 with its own P-256 key (RFC 5280). */
export function certify(name: string, { issuer, isAuthority = false, validTo }: CertificateOptions = {}): Certified {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const basicConstraints = sequence(oid(85, 29, 19), octets(sequence(...(isAuthority ? [boolean(true)] : []))));
  const names = sequence(
    ...['localhost', name].map((host) => tagged(0x82, Buffer.from(host))),
    tagged(0x87, Buffer.from([127, 0, 0, 1])),
  );
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(issuer?.name ?? name),
    sequence(time(new Date('2020-01-01')), time(validTo ?? new Date('2120-01-01'))),
    distinguishedName(name),
    spki,
    tagged(0xa3, sequence(basicConstraints, sequence(oid(85, 29, 17), octets(names)))),
  );
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey);
  const der = sequence(body, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return { cert: pem(der), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), privateKey, name };
}

// DER (X.690 §8): tag, length, content.
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(content: Buffer): Buffer {
  return tagged(0x02, content);
}

function octets(content: Buffer): Buffer {
  return tagged(0x04, content);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function oid(...encoded: number[]): Buffer {
  return tagged(0x06, Buffer.from(encoded));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid(85, 4, 3), tagged(0x0c, Buffer.from(commonName)))));
}

/** GeneralizedTime. */
function time(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** Object identifier 1.2.840.10045.4.3.2. */
const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
