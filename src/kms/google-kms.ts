import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeyServiceSettings } from '../domain/keys/key-services.ts';
import { KeyFailure } from '../domain/ports/keys.ts';
import type { KeyService } from './key-service.ts';
import { callService, type ServiceResponse, textAt, wanted } from './service-call.ts';
import { failureOf, isSuccess, mismatch } from './service-failure.ts';
import { cachedToken, type LimitedToken } from './sign-in.ts';

type GoogleSettings = KeyServiceSettings['google'];

const publicApi = 'https://cloudkms.googleapis.com/v1/';
const scope = 'https://www.googleapis.com/auth/cloudkms';
/** Lifetime of an assertion in seconds. It is used at once. */
const assertionSeconds = 300;

/**
 * A symmetric key of Google Cloud KMS. The account needs cloudkms.cryptoKeyVersions.useToEncrypt and useToDecrypt on it
 * (role CryptoKey Encrypter/Decrypter).
 */
export function createGoogleKms(location: string, { google }: Pick<KeyServiceSettings, 'google'>): KeyService {
  const url = location.startsWith('http') ? location : publicApi + location;
  const token = cachedToken(() =>
    google.credentialsFile === null ? fromMetadata(google) : fromServiceAccount(google.credentialsFile),
  );

  async function call(operation: 'encrypt' | 'decrypt', parameters: object): Promise<ServiceResponse> {
    return callService({
      method: 'POST',
      url: `${url}:${operation}`,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      body: JSON.stringify(parameters),
    });
  }

  return {
    async wrap(key, context) {
      const parameters = { plaintext: base64(key), additionalAuthenticatedData: base64(context) };
      const response = await call('encrypt', parameters);
      if (!isSuccess(response)) throw failureOf(response, 'encrypt', textAt(response.json, 'error', 'status'));
      return Buffer.from(wanted(response, 'ciphertext'), 'base64');
    },
    async unwrap(wrapped, context) {
      const parameters = { ciphertext: base64(wrapped), additionalAuthenticatedData: base64(context) };
      const response = await call('decrypt', parameters);
      const status = textAt(response.json, 'error', 'status');
      if (response.status === 400 && status === 'INVALID_ARGUMENT') throw mismatch();
      if (!isSuccess(response)) throw failureOf(response, 'decrypt', status);
      return Buffer.from(wanted(response, 'plaintext'), 'base64');
    },
  };
}

/** Token of the account of the machine, the pod or the Cloud Run service. */
async function fromMetadata({ metadataHost }: GoogleSettings): Promise<LimitedToken<string>> {
  const path = 'computeMetadata/v1/instance/service-accounts/default/token';
  const headers = { 'metadata-flavor': 'Google' };
  return tokenOf(await callService({ method: 'GET', url: `http://${metadataHost}/${path}`, headers }));
}

/** Token of a service account key, with a signed assertion (RFC 7523 §2.1). */
async function fromServiceAccount(file: string): Promise<LimitedToken<string>> {
  const { email, url, key } = readServiceAccount(file);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: email, scope, aud: url, iat: now, exp: now + assertionSeconds };
  const parts = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signature = sign('sha256', Buffer.from(parts.join('.')), key).toString('base64url');
  const assertion = [...parts, signature].join('.');
  const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const body = new URLSearchParams({ grant_type: grantType, assertion }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return tokenOf(await callService({ method: 'POST', url, headers, body }));
}

function readServiceAccount(file: string) {
  try {
    const account: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'));
    const [email, pem] = [textAt(account, 'client_email'), textAt(account, 'private_key')];
    const url = textAt(account, 'token_uri') ?? 'https://oauth2.googleapis.com/token';
    if (account.type === 'service_account' && email !== undefined && pem !== undefined) {
      return { email, url, key: createPrivateKey(pem) };
    }
  } catch {
    // Its message may quote the file. The failure below covers every fault.
  }
  throw new KeyFailure('refused', 'GOOGLE_APPLICATION_CREDENTIALS names no readable service account key.');
}

function tokenOf(response: ServiceResponse): LimitedToken<string> {
  if (!isSuccess(response)) throw failureOf(response, 'the sign-in', textAt(response.json, 'error'));
  return { value: wanted(response, 'access_token'), lifetimeMs: Number(response.json.expires_in) * 1000 || 0 };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
