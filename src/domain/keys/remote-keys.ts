/** A key-encryption key that never leaves its key service. */
export interface RemoteKey {
  id: string;
  source: KeySource;
  /** Name of the key in its service, in the form of `locationPatterns`. Not a secret. */
  location: string;
}

export const keySources = ['vault-transit', 'aws-kms', 'gcp-kms', 'azure-key-vault'] as const;
export type KeySource = (typeof keySources)[number];

/** Names for messages. */
export const sourceNames: Readonly<Record<KeySource, string>> = {
  'vault-transit': 'Vault Transit',
  'aws-kms': 'AWS KMS',
  'gcp-kms': 'Google Cloud KMS',
  'azure-key-vault': 'Azure Key Vault',
};

/** https, or http on this machine: an agent beside the service. Requests carry credentials and data keys. */
const origin = '(?:https://[A-Za-z0-9.-]+|https?://(?:localhost|127\\.0\\.0\\.1|\\[::1\\]))(?::\\d{1,5})?';
const part = '[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*';

const locationPatterns: Readonly<Record<KeySource, RegExp>> = {
  // MOUNT/keys/NAME; a mount may have several parts.
  'vault-transit': new RegExp(`^${origin}(?:/${part})+/keys/${part}$`),
  'aws-kms': /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key\/[A-Za-z0-9-]+|alias\/[A-Za-z0-9/_-]+)$/,
  // A project of a domain is named domain:project. An origin names a private endpoint.
  'gcp-kms': new RegExp(
    `^(?:${origin}/v1/)?projects/[a-z0-9.:-]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+$`,
  ),
  // With its version: an unwrapped key must come from the version that wrapped it.
  'azure-key-vault': new RegExp(`^${origin}/keys/[A-Za-z0-9-]+/[0-9a-f]{32}$`),
};

const locationForms: Readonly<Record<KeySource, string>> = {
  'vault-transit': 'https://HOST:PORT/MOUNT/keys/NAME',
  'aws-kms': 'arn:aws:kms:REGION:ACCOUNT:key/ID or …:alias/NAME',
  'gcp-kms': 'projects/P/locations/L/keyRings/R/cryptoKeys/K',
  'azure-key-vault': 'https://NAME.vault.azure.net/keys/NAME/VERSION',
};

export function isKeySource(text: string): text is KeySource {
  return (keySources as readonly string[]).includes(text);
}

/** Returns what is wrong with a location, or undefined. Quotes no part of it: it may be a secret in the wrong place. */
export function locationFault(source: KeySource, location: string): string | undefined {
  return locationPatterns[source].test(location)
    ? undefined
    : `names no key of ${sourceNames[source]} (${source}:${locationForms[source]})`;
}
