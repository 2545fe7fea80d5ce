import { Secret } from '../../domain/secret.ts';

/** Format `tb_<id>_<secret>`. Secret scanners recognise the prefix, and the id is the row's primary key. */
const format = /^tb_([0-9A-Za-z-]{1,64})_([A-Za-z0-9_-]{43})$/;

/** 256 bits of randomness: 43 characters of base64url. */
export const apiKeySecretBytes = 32;

export function formatApiKey(id: string, secret: string): Secret {
  return new Secret(`tb_${id}_${secret}`);
}

export function parseApiKey(key: Secret): { id: string; secret: string } | undefined {
  const [, id, secret] = format.exec(key.reveal()) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}
