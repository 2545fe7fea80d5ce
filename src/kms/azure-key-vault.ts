import { createHash } from 'node:crypto';
import type { KeyServiceSettings } from '../domain/keys/key-services.ts';
import type { KeyService } from './key-service.ts';
import { callService, type ServiceResponse, textAt, wanted } from './service-call.ts';
import { failureOf, isSuccess, mismatch } from './service-failure.ts';
import { cachedToken, type LimitedToken, readTokenFile, required } from './sign-in.ts';

type AzureSettings = KeyServiceSettings['azure'];

const apiVersion = '7.4';
const wrapping = 'RSA-OAEP-256';
const signing = 'PS256';
/** Version of the stored form: version byte, length of the wrapped key (2 bytes), wrapped key, signature. */
const layoutVersion = 1;
const headerBytes = 3;

/**
 * An RSA key of Azure Key Vault, in one version. The identity needs wrapKey, unwrapKey, sign and verify (role Key Vault
 * Crypto User). RSA binds no context, and anyone with the public key can wrap a data key of their own. So the wrapped key
 * is signed together with its context, by the same key: what its holder did not wrap is refused.
 */
export function createAzureKeyVault(location: string, { azure }: Pick<KeyServiceSettings, 'azure'>): KeyService {
  const resource = resourceOf(new URL(location).hostname);
  const token = cachedToken(() => signIn(azure, resource));

  async function call(operation: 'wrapkey' | 'unwrapkey' | 'sign' | 'verify', body: object): Promise<ServiceResponse> {
    return callService({
      method: 'POST',
      url: `${location}/${operation}?api-version=${apiVersion}`,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async function succeed(operation: 'wrapkey' | 'sign', body: object): Promise<Buffer> {
    const response = await call(operation, body);
    if (!isSuccess(response)) throw failureOf(response, operation, codeOf(response));
    return Buffer.from(wanted(response, 'value'), 'base64url');
  }

  return {
    async wrap(key, context) {
      const wrapped = await succeed('wrapkey', { alg: wrapping, value: base64url(key) });
      const signature = await succeed('sign', { alg: signing, value: digestOf(wrapped, context) });
      const header = Buffer.from([layoutVersion, wrapped.length >> 8, wrapped.length & 0xff]);
      return Buffer.concat([header, wrapped, signature]);
    },
    async unwrap(stored, context) {
      const bytes = Buffer.from(stored);
      if (bytes.length < headerBytes || bytes[0] !== layoutVersion) throw mismatch();
      const end = headerBytes + bytes.readUInt16BE(1);
      const [wrapped, signature] = [bytes.subarray(headerBytes, end), bytes.subarray(end)];
      const digest = digestOf(wrapped, context);
      const verified = await call('verify', { alg: signing, digest, value: base64url(signature) });
      if (verified.status === 400) throw mismatch();
      if (!isSuccess(verified)) throw failureOf(verified, 'verify', codeOf(verified));
      if (verified.json.value !== true) throw mismatch();
      const opened = await call('unwrapkey', { alg: wrapping, value: base64url(wrapped) });
      if (opened.status === 400) throw mismatch();
      if (!isSuccess(opened)) throw failureOf(opened, 'unwrapkey', codeOf(opened));
      return Buffer.from(wanted(opened, 'value'), 'base64url');
    },
  };
}

/** The context has a fixed meaning and comes first with its length, so that no other pair has the same digest. */
function digestOf(wrapped: Uint8Array, context: Uint8Array): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(context.length);
  return createHash('sha256').update(length).update(context).update(wrapped).digest('base64url');
}

/** Audience of tokens: the suffix of the vault's host names its cloud. */
function resourceOf(host: string): string {
  const cloud = /\.(vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net))$/.exec(host)?.[1];
  return `https://${cloud ?? 'vault.azure.net'}`;
}

async function signIn(azure: AzureSettings, resource: string): Promise<LimitedToken<string>> {
  const { tenantId, clientId, clientSecret, federatedTokenFile, authorityUrl, metadataUrl } = azure;
  if (clientSecret === null && federatedTokenFile === null) {
    // Managed identity: the one of the machine, or the one that AZURE_CLIENT_ID names.
    const query = new URLSearchParams({ 'api-version': '2018-02-01', resource });
    if (clientId !== null) query.set('client_id', clientId);
    const url = `${metadataUrl}/metadata/identity/oauth2/token?${query}`;
    return tokenOf(await callService({ method: 'GET', url, headers: { metadata: 'true' } }));
  }
  const proof: Record<string, string> =
    clientSecret !== null
      ? { client_secret: clientSecret.reveal() }
      : {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: readTokenFile('AZURE_FEDERATED_TOKEN_FILE', federatedTokenFile ?? ''),
        };
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: required(clientId, 'AZURE_CLIENT_ID'),
    scope: `${resource}/.default`,
    ...proof,
  }).toString();
  const url = `${authorityUrl}/${encodeURIComponent(required(tenantId, 'AZURE_TENANT_ID'))}/oauth2/v2.0/token`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return tokenOf(await callService({ method: 'POST', url, headers, body }));
}

function tokenOf(response: ServiceResponse): LimitedToken<string> {
  if (!isSuccess(response)) throw failureOf(response, 'the sign-in', textAt(response.json, 'error'));
  return { value: wanted(response, 'access_token'), lifetimeMs: Number(response.json.expires_in) * 1000 || 0 };
}

function codeOf({ json }: ServiceResponse): string | undefined {
  return textAt(json, 'error', 'code');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
