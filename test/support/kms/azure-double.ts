import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { type Received, type Reply, type ServiceDouble, startServiceDouble } from './service-double.ts';

export interface AzureDouble extends ServiceDouble {
  tenantId: string;
  clientId: string;
  clientSecret: string;
  /** Token of a workload that the identity trusts. */
  federatedToken: string;
  publicKeyOf(path: string): KeyObject | undefined;
}

/**
 * Azure Key Vault with RSA keys: wrapkey, unwrapkey, sign and verify as documented, the token endpoint of Microsoft Entra,
 * and the instance metadata service.
 */
export async function startAzureDouble(paths: readonly string[]): Promise<AzureDouble> {
  const keys = new Map(paths.map((path) => [path, generateKeyPairSync('rsa', { modulusLength: 2048 })]));
  const accessToken = randomBytes(60).toString('base64url');
  const secrets = {
    tenantId: 'b0a1c2d3-0000-4000-8000-000000000001',
    clientId: 'c0a1c2d3-0000-4000-8000-000000000002',
    clientSecret: `${randomBytes(20).toString('base64url')}~x`,
    federatedToken: randomBytes(60).toString('base64url'),
  };
  const refusal = (status: number, code: string): Reply => ({ status, body: { error: { code, message: 'refused' } } });
  const token: Reply = { status: 200, body: { access_token: accessToken, expires_in: 3599, token_type: 'Bearer' } };

  function signIn({ path, body }: Received): Reply {
    const form = new URLSearchParams(body);
    const isProven =
      form.get('client_secret') === secrets.clientSecret ||
      (form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' &&
        form.get('client_assertion') === secrets.federatedToken);
    if (!path.startsWith(`/${secrets.tenantId}/`)) return { status: 400, body: { error: 'invalid_request' } };
    if (form.get('client_id') !== secrets.clientId || !isProven)
      return { status: 401, body: { error: 'invalid_client' } };
    if (form.get('scope') !== 'https://vault.azure.net/.default')
      return { status: 400, body: { error: 'invalid_scope' } };
    return token;
  }

  const reply = (request: Received): Reply => {
    const { path, query, headers, json } = request;
    if (path.endsWith('/oauth2/v2.0/token')) return signIn(request);
    if (path === '/metadata/identity/oauth2/token') {
      const fits = headers.metadata === 'true' && query.get('resource') === 'https://vault.azure.net';
      // The metadata service sends the lifetime as a text.
      return fits
        ? { status: 200, body: { access_token: accessToken, expires_in: '3599' } }
        : { status: 400, body: {} };
    }
    if (headers.authorization !== `Bearer ${accessToken}`) return refusal(401, 'Unauthorized');
    if (query.get('api-version') === null) return refusal(400, 'BadParameter');
    const [, key = '', operation = ''] = /^(\/keys\/.+)\/(wrapkey|unwrapkey|sign|verify)$/.exec(path) ?? [];
    const pair = keys.get(key);
    if (pair === undefined) return refusal(404, 'KeyNotFound');
    const value = operate(operation, pair, json);
    return value === undefined ? refusal(400, 'BadParameter') : { status: 200, body: { kid: key, value } };
  };
  return Object.assign(await startServiceDouble(reply), secrets, {
    publicKeyOf: (path: string) => keys.get(path)?.publicKey,
  });
}

function operate(
  operation: string,
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  { alg, value = '', digest = '' }: Record<string, string>,
): string | boolean | undefined {
  const bytes = Buffer.from(value, 'base64url');
  const oaep = { oaepHash: 'sha256', padding: constants.RSA_PKCS1_OAEP_PADDING };
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  try {
    if (alg === 'RSA-OAEP-256' && operation === 'wrapkey') {
      return publicEncrypt({ key: publicKey, ...oaep }, bytes).toString('base64url');
    }
    if (alg === 'RSA-OAEP-256' && operation === 'unwrapkey') {
      return privateDecrypt({ key: privateKey, ...oaep }, bytes).toString('base64url');
    }
  } catch {
    return undefined;
  }
  // The service signs a digest that it is given. Node signs a text; so the digest stands for the text on both sides.
  if (alg === 'PS256' && operation === 'sign' && bytes.length === 32) {
    return sign('sha256', bytes, { key: privateKey, ...pss }).toString('base64url');
  }
  const given = Buffer.from(digest, 'base64url');
  if (alg !== 'PS256' || operation !== 'verify' || given.length !== 32) return undefined;
  return verify('sha256', given, { key: publicKey, ...pss }, bytes);
}
