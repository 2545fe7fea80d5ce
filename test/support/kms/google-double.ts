import { generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { bytes, open, seal } from './aead.ts';
import { type Received, type Reply, type ServiceDouble, startServiceDouble } from './service-double.ts';

export interface GoogleDouble extends ServiceDouble {
  /** Content of the key file of a service account that may use the keys. */
  credentials: Record<string, string>;
  accessToken: string;
}

/** Google Cloud KMS with encrypt and decrypt as documented, the token endpoint, and the metadata server. */
export async function startGoogleDouble(names: readonly string[]): Promise<GoogleDouble> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const accessToken = `ya29.${randomBytes(30).toString('base64url')}`;
  const keys = new Map(names.map((name) => [name, randomBytes(32)]));
  const refusal = (status: number, code: string): Reply => ({
    status,
    body: { error: { code: status, status: code } },
  });

  function signIn({ body }: Received): Reply {
    const form = new URLSearchParams(body);
    const [header = '', payload = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}');
    const isSigned = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      publicKey,
      Buffer.from(signature, 'base64url'),
    );
    const fits =
      form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
      claims.iss === double.credentials.client_email &&
      claims.aud === double.credentials.token_uri &&
      claims.scope === 'https://www.googleapis.com/auth/cloudkms' &&
      claims.exp * 1000 > Date.now() &&
      claims.exp - claims.iat <= 3600;
    if (!isSigned || !fits) return { status: 400, body: { error: 'invalid_grant' } };
    return { status: 200, body: { access_token: accessToken, expires_in: 3599, token_type: 'Bearer' } };
  }

  const server = await startServiceDouble((request) => {
    const { path, headers, json } = request;
    if (path === '/token') return signIn(request);
    if (path === '/computeMetadata/v1/instance/service-accounts/default/token') {
      if (headers['metadata-flavor'] !== 'Google') return { status: 403, body: '' };
      return { status: 200, body: { access_token: accessToken, expires_in: 3599, token_type: 'Bearer' } };
    }
    if (headers.authorization !== `Bearer ${accessToken}`) return refusal(401, 'UNAUTHENTICATED');
    const [, name = '', operation] = /^\/v1\/(projects\/.+):(encrypt|decrypt)$/.exec(path) ?? [];
    const key = keys.get(name);
    if (key === undefined) return refusal(404, 'NOT_FOUND');
    const additional = bytes(json.additionalAuthenticatedData);
    if (operation === 'encrypt') {
      const ciphertext = seal(key, bytes(json.plaintext), additional).toString('base64');
      return { status: 200, body: { name: `${name}/cryptoKeyVersions/1`, ciphertext } };
    }
    const plain = open(key, bytes(json.ciphertext), additional);
    return plain === undefined
      ? refusal(400, 'INVALID_ARGUMENT')
      : { status: 200, body: { plaintext: plain.toString('base64') } };
  });
  const double: GoogleDouble = Object.assign(server, {
    accessToken,
    credentials: {
      type: 'service_account',
      client_email: 'broker@project.iam.gserviceaccount.com',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      token_uri: `${server.origin}/token`,
    },
  });
  return double;
}
