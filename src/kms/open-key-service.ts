import type { KeyServiceSettings } from '../domain/keys/key-services.ts';
import { type KeySource, type RemoteKey, sourceNames } from '../domain/keys/remote-keys.ts';
import type { KeyEncryptionKey } from '../domain/ports/keys.ts';
import type { KeyService } from './key-service.ts';

type CreateService = (location: string, settings: KeyServiceSettings) => KeyService;

/** Loads the client of one source. */
const clients: Readonly<Record<KeySource, () => Promise<CreateService>>> = {
  'vault-transit': async () => (await import('./vault-transit.ts')).createVaultTransit,
  'aws-kms': async () => (await import('./aws/aws-kms.ts')).createAwsKms,
  'gcp-kms': async () => (await import('./google-kms.ts')).createGoogleKms,
  'azure-key-vault': async () => (await import('./azure-key-vault.ts')).createAzureKeyVault,
};

/** Opens a key of a key service. Calls nothing: the first use does. */
export async function openKeyService(
  { id, source, location }: RemoteKey,
  settings: KeyServiceSettings,
): Promise<KeyEncryptionKey> {
  const create = await clients[source]();
  return { id, service: sourceNames[source], ...create(location, settings) };
}
