import { randomBytes } from 'node:crypto';
import { bytes, open, seal } from './aead.ts';
import { type Received, type Reply, type ServiceDouble, startServiceDouble } from './service-double.ts';

export interface VaultDouble extends ServiceDouble {
  /** Token whose policy grants update on encrypt and decrypt of the keys. */
  token: string;
}

/**
 * The Transit engine at the mount `transit` with keys of type aes256-gcm96, as its HTTP API is documented: encrypt and
 * decrypt with associated data, and the refusals of a wrong token, mount, key, ciphertext and associated data.
 */
export async function startVaultDouble(
  names: readonly string[],
  options: { port?: number; namespace?: string; token?: string } = {},
) {
  const token = options.token ?? `hvs.${randomBytes(18).toString('base64url')}`;
  const double: VaultDouble = Object.assign(
    await startServiceDouble(createReply(names, token, options.namespace), options.port),
    {
      token,
    },
  );
  return double;
}

/** Keys outlive the server, so that one that starts anew on the same port has the same keys. */
const keys = new Map<string, Buffer>();

function createReply(names: readonly string[], token: string, namespace?: string) {
  const refusal = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } });
  return ({ method, path, headers, json }: Received): Reply => {
    if (headers['x-vault-token'] !== token) return refusal(403, 'permission denied');
    if (headers['x-vault-namespace'] !== namespace) return refusal(403, 'permission denied');
    const [, operation, name = ''] = /^\/v1\/transit\/(encrypt|decrypt)\/([\w.-]+)$/.exec(path) ?? [];
    if (operation === undefined) return refusal(404, `no handler for route "${path.slice(4)}". route entry not found.`);
    if (method !== 'POST' && method !== 'PUT') return refusal(405, 'unsupported operation');
    // Without the capability create, an unknown key cannot be made by encrypting with it.
    if (!names.includes(name)) {
      return operation === 'encrypt' ? refusal(403, 'permission denied') : refusal(400, 'encryption key not found');
    }
    const key = keys.get(name) ?? randomBytes(32);
    keys.set(name, key);
    const additional = bytes(json.associated_data);
    if (operation === 'encrypt') {
      if (json.plaintext === undefined) return refusal(400, 'missing plaintext to encrypt');
      const ciphertext = `vault:v1:${seal(key, bytes(json.plaintext), additional).toString('base64')}`;
      return { status: 200, body: { data: { ciphertext, key_version: 1 } } };
    }
    const [, sealed] = /^vault:v1:(.+)$/.exec(json.ciphertext ?? '') ?? [];
    if (sealed === undefined) return refusal(400, 'invalid ciphertext: no prefix');
    const plain = open(key, bytes(sealed), additional);
    if (plain === undefined) return refusal(400, 'cipher: message authentication failed');
    return { status: 200, body: { data: { plaintext: plain.toString('base64') } } };
  };
}
