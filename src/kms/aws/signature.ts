import { createHash, createHmac } from 'node:crypto';
import type { Secret } from '../../domain/secret.ts';

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: Secret;
  sessionToken: Secret | null;
}

export interface SignedRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * Returns the headers of a POST with its signature (AWS Signature Version 4). All given headers are signed. The URL has no
 * query, and its path needs no encoding.
 */
export function signedHeaders(
  { url, headers, body }: SignedRequest,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  { region, service, now }: { region: string; service: string; now: Date },
): Record<string, string> {
  const { host, pathname } = new URL(url);
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const date = time.slice(0, 8);
  const sent = {
    ...headers,
    'x-amz-date': time,
    ...(sessionToken !== null && { 'x-amz-security-token': sessionToken.reveal() }),
  };
  const all = Object.entries({ ...sent, host }).sort(([one], [other]) => (one < other ? -1 : 1));
  const names = all.map(([name]) => name).join(';');
  const lines = all.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = ['POST', pathname, '', lines, names, sha256(body)].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (from, part) => hmac(from, part),
    `AWS4${secretAccessKey.reveal()}`,
  );
  const signature = hmac(key, toSign).toString('hex');
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
