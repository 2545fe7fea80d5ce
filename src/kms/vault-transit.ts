import { readFileSync } from 'node:fs';
import type { KeyServiceSettings } from '../domain/keys/key-services.ts';
import { KeyFailure } from '../domain/ports/keys.ts';
import type { KeyService } from './key-service.ts';
import { callService, type ServiceResponse, wanted } from './service-call.ts';
import { failureOf, isSuccess, mismatch } from './service-failure.ts';
import { readTokenFile, required } from './sign-in.ts';

/**
 * A key of the Transit engine of HashiCorp Vault or OpenBao, of a type with associated data (aes256-gcm96). The policy of
 * the token needs `update` on encrypt/NAME and decrypt/NAME. With `create`, Vault would make a key of a mistyped name.
 */
export function createVaultTransit(location: string, { vault }: Pick<KeyServiceSettings, 'vault'>): KeyService {
  const { origin, pathname } = new URL(location);
  const [mount = '', name = ''] = pathname.replace(/^\/(v1\/)?/, '').split('/keys/');

  function post(operation: 'encrypt' | 'decrypt', body: object): Promise<ServiceResponse> {
    const { token, tokenFile, caFile, namespace } = vault;
    const secret =
      token?.reveal() ?? readTokenFile('VAULT_TOKEN_FILE', required(tokenFile, 'VAULT_TOKEN or VAULT_TOKEN_FILE'));
    return callService({
      method: 'POST',
      url: `${origin}/v1/${mount}/${operation}/${name}`,
      headers: {
        'content-type': 'application/json',
        'x-vault-token': secret,
        // Agents refuse requests without it, which a browser cannot forge.
        'x-vault-request': 'true',
        ...(namespace !== null && { 'x-vault-namespace': namespace }),
      },
      body: JSON.stringify(body),
      ...(caFile !== null && { ca: readCertificates(caFile) }),
    });
  }

  return {
    async wrap(key, context) {
      const response = await post('encrypt', { plaintext: base64(key), associated_data: base64(context) });
      if (!isSuccess(response)) throw explain(response, 'encrypt');
      return Buffer.from(wanted(response, 'data', 'ciphertext'), 'utf8');
    },
    async unwrap(wrapped, context) {
      const ciphertext = Buffer.from(wrapped).toString('utf8');
      const response = await post('decrypt', { ciphertext, associated_data: base64(context) });
      if (!isSuccess(response)) throw explain(response, 'decrypt');
      return Buffer.from(wanted(response, 'data', 'plaintext'), 'base64');
    },
  };
}

/** Vault answers 400 for most faults and names them only in texts, so the known ones are recognised. */
function explain(response: ServiceResponse, work: string): KeyFailure {
  const { errors } = response.json;
  const text = Array.isArray(errors) ? errors.join('\n') : '';
  if (response.status === 400 && /message authentication failed|invalid ciphertext/.test(text)) return mismatch();
  if (response.status === 400 && /key not found/.test(text)) {
    return new KeyFailure('refused', `${work} was refused: there is no such key (400).`);
  }
  if (response.status === 400 && /disallowed by policy/.test(text)) {
    return new KeyFailure('refused', `${work} was refused: min_decryption_version is above the version in use (400).`);
  }
  return failureOf(response, work);
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KeyFailure('refused', `the file of VAULT_CACERT cannot be read (${code}).`);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
