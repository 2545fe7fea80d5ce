import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config.ts';
import { isHeld } from '../../../src/domain/encryption-keys.ts';
import type { KeySource } from '../../../src/domain/keys/remote-keys.ts';
import type { KeyEncryptionKey } from '../../../src/domain/ports/keys.ts';
import { openKeyService } from '../../../src/kms/open-key-service.ts';
import { startAwsDouble } from './aws-double.ts';
import { startAzureDouble } from './azure-double.ts';
import { startGoogleDouble } from './google-double.ts';
import type { ServiceDouble } from './service-double.ts';
import { startVaultDouble } from './vault-double.ts';

/** A key service with two keys, and the variables that sign in there. */
export interface KmsScene {
  source: KeySource;
  double: ServiceDouble;
  /** Locations of two keys, and one where there is none. */
  key: string;
  otherKey: string;
  noKey: string;
  env: Record<string, string>;
  /** Variables with which the service refuses. */
  wrongEnv: Record<string, string>;
  /** Texts that no message may hold. */
  secrets: string[];
  /** Further ways to sign in, by name. */
  signIns: Record<string, Record<string, string>>;
  close(): Promise<void>;
}

/** Opens a key as the service does: entry of ENCRYPTION_KEYS, variables, client. */
export async function openKey(
  { source }: Pick<KmsScene, 'source'>,
  location: string,
  env: Record<string, string>,
): Promise<KeyEncryptionKey> {
  const { encryptionKeys, keyServices } = loadConfig({ ...env, ENCRYPTION_KEYS: `remote:${source}:${location}` });
  const [key] = encryptionKeys ?? [];
  if (key === undefined || isHeld(key)) throw new Error('the entry names no key of a key service');
  return openKeyService(key, keyServices);
}

export const sceneOpeners: readonly [name: string, open: () => Promise<KmsScene>][] = [
  ['Vault Transit', openVault],
  ['AWS KMS', openAws],
  ['Google Cloud KMS', openGoogle],
  ['Azure Key Vault', openAzure],
];

async function openVault(): Promise<KmsScene> {
  const double = await startVaultDouble(['one', 'other'], { namespace: 'team' });
  const files = temporaryFiles({ token: `${double.token}\n` });
  const common = { VAULT_NAMESPACE: 'team' };
  return {
    source: 'vault-transit',
    double,
    key: `${double.origin}/transit/keys/one`,
    otherKey: `${double.origin}/v1/transit/keys/other`,
    noKey: `${double.origin}/transit/keys/none`,
    env: { ...common, VAULT_TOKEN: double.token },
    wrongEnv: { ...common, VAULT_TOKEN: 'hvs.another-token' },
    secrets: [double.token, 'hvs.another-token'],
    signIns: { 'a token file': { ...common, VAULT_TOKEN_FILE: files.path('token') } },
    close: () => closeAll(double, files),
  };
}

async function openAws(): Promise<KmsScene> {
  const arn = (id: string) => `arn:aws:kms:eu-central-1:123456789012:key/${id}`;
  const alias = 'arn:aws:kms:eu-central-1:123456789012:alias/token-broker';
  const double = await startAwsDouble([arn('one'), alias]);
  const files = temporaryFiles({ identity: double.identityToken });
  const endpoints = { AWS_ENDPOINT_URL_KMS: double.origin, AWS_ENDPOINT_URL_STS: double.origin };
  const id = { ...endpoints, AWS_ACCESS_KEY_ID: double.accessKeyId };
  return {
    source: 'aws-kms',
    double,
    key: arn('one'),
    otherKey: alias,
    noKey: arn('none'),
    env: { ...id, AWS_SECRET_ACCESS_KEY: double.secretAccessKey },
    wrongEnv: { ...id, AWS_SECRET_ACCESS_KEY: 'another-secret-access-key' },
    secrets: [double.secretAccessKey, 'another-secret-access-key', double.sessionToken, double.identityToken],
    signIns: {
      'access keys of a session': {
        ...id,
        AWS_SECRET_ACCESS_KEY: double.secretAccessKey,
        AWS_SESSION_TOKEN: double.sessionToken,
      },
      'web identity': { ...endpoints, AWS_ROLE_ARN: double.role, AWS_WEB_IDENTITY_TOKEN_FILE: files.path('identity') },
      'container credentials': {
        ...endpoints,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${double.origin}/container`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: files.path('identity'),
      },
      'the instance': { ...endpoints, AWS_EC2_METADATA_SERVICE_ENDPOINT: `${double.origin}/` },
    },
    close: () => closeAll(double, files),
  };
}

async function openGoogle(): Promise<KmsScene> {
  const name = (key: string) => `projects/p/locations/europe-west3/keyRings/r/cryptoKeys/${key}`;
  const double = await startGoogleDouble([name('one'), name('other')]);
  const files = temporaryFiles({
    account: JSON.stringify(double.credentials),
    stranger: JSON.stringify({ ...double.credentials, client_email: 'stranger@project.iam.gserviceaccount.com' }),
  });
  const at = (key: string) => `${double.origin}/v1/${name(key)}`;
  return {
    source: 'gcp-kms',
    double,
    key: at('one'),
    otherKey: at('other'),
    noKey: at('none'),
    env: { GOOGLE_APPLICATION_CREDENTIALS: files.path('account') },
    wrongEnv: { GOOGLE_APPLICATION_CREDENTIALS: files.path('stranger') },
    secrets: [double.accessToken, 'PRIVATE KEY'],
    signIns: { 'the metadata server': { GCE_METADATA_HOST: `127.0.0.1:${double.port}` } },
    close: () => closeAll(double, files),
  };
}

async function openAzure(): Promise<KmsScene> {
  const path = (key: string) => `/keys/${key}/${'0123456789abcdef'.repeat(2)}`;
  const double = await startAzureDouble([path('one'), path('other')]);
  const files = temporaryFiles({ federated: double.federatedToken });
  const client = { AZURE_CLIENT_ID: double.clientId };
  const tenant = { ...client, AZURE_TENANT_ID: double.tenantId, AZURE_AUTHORITY_HOST: `${double.origin}/` };
  return {
    source: 'azure-key-vault',
    double,
    key: double.origin + path('one'),
    otherKey: double.origin + path('other'),
    noKey: double.origin + path('none'),
    env: { ...tenant, AZURE_CLIENT_SECRET: double.clientSecret },
    wrongEnv: { ...tenant, AZURE_CLIENT_SECRET: 'another-client-secret' },
    secrets: [double.clientSecret, 'another-client-secret', double.federatedToken],
    signIns: {
      'a federated token': { ...tenant, AZURE_FEDERATED_TOKEN_FILE: files.path('federated') },
      'a managed identity': { ...client, AZURE_POD_IDENTITY_AUTHORITY_HOST: double.origin },
    },
    close: () => closeAll(double, files),
  };
}

function temporaryFiles(contents: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'kms-'));
  const path = (name: string) => join(folder, name);
  for (const [name, content] of Object.entries(contents)) writeFileSync(path(name), content, { mode: 0o600 });
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

async function closeAll(double: ServiceDouble, files: { remove(): void }): Promise<void> {
  await double.close();
  files.remove();
}
