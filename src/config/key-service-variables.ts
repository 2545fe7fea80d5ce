import { z } from 'zod';
import type { KeyServiceSettings } from '../domain/keys/key-services.ts';
import { Secret } from '../domain/secret.ts';

const text = z.string().optional();
const secret = z
  .string()
  .transform((value) => new Secret(value))
  .optional();

/**
 * Variables of the tools of the key services. They have the names and meanings of those tools, and any value: a machine may
 * set them for another program. Without such a key in ENCRYPTION_KEYS they have no effect.
 */
export const keyServiceVariables = {
  VAULT_TOKEN: secret,
  VAULT_TOKEN_FILE: text,
  VAULT_CACERT: text,
  VAULT_NAMESPACE: text,
  AWS_ACCESS_KEY_ID: text,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_SESSION_TOKEN: secret,
  AWS_ROLE_ARN: text,
  AWS_WEB_IDENTITY_TOKEN_FILE: text,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: text,
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: text,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: text,
  AWS_ENDPOINT_URL_KMS: text,
  AWS_ENDPOINT_URL_STS: text,
  AWS_EC2_METADATA_SERVICE_ENDPOINT: text,
  GOOGLE_APPLICATION_CREDENTIALS: text,
  GCE_METADATA_HOST: text,
  AZURE_TENANT_ID: text,
  AZURE_CLIENT_ID: text,
  AZURE_CLIENT_SECRET: secret,
  AZURE_FEDERATED_TOKEN_FILE: text,
  AZURE_AUTHORITY_HOST: text,
  AZURE_POD_IDENTITY_AUTHORITY_HOST: text,
};

type Values = z.infer<z.ZodObject<typeof keyServiceVariables>>;

/** Metadata service of EC2 and of Azure, and the credentials of ECS: fixed link-local addresses of the platforms. */
const metadataService = 'http://169.254.169.254';
const containerService = 'http://169.254.170.2';

export function toKeyServices(values: Values): KeyServiceSettings {
  const relativeUri = values.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  return {
    vault: {
      token: values.VAULT_TOKEN ?? null,
      tokenFile: values.VAULT_TOKEN_FILE ?? null,
      caFile: values.VAULT_CACERT ?? null,
      namespace: values.VAULT_NAMESPACE ?? null,
    },
    aws: {
      accessKeyId: values.AWS_ACCESS_KEY_ID ?? null,
      secretAccessKey: values.AWS_SECRET_ACCESS_KEY ?? null,
      sessionToken: values.AWS_SESSION_TOKEN ?? null,
      roleArn: values.AWS_ROLE_ARN ?? null,
      webIdentityTokenFile: values.AWS_WEB_IDENTITY_TOKEN_FILE ?? null,
      containerCredentialsUrl:
        relativeUri === undefined
          ? (values.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? null)
          : `${containerService}${relativeUri}`,
      containerTokenFile: values.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ?? null,
      kmsUrl: values.AWS_ENDPOINT_URL_KMS ?? null,
      stsUrl: values.AWS_ENDPOINT_URL_STS ?? null,
      metadataUrl: withoutSlash(values.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? metadataService),
    },
    google: {
      credentialsFile: values.GOOGLE_APPLICATION_CREDENTIALS ?? null,
      metadataHost: values.GCE_METADATA_HOST ?? 'metadata.google.internal',
    },
    azure: {
      tenantId: values.AZURE_TENANT_ID ?? null,
      clientId: values.AZURE_CLIENT_ID ?? null,
      clientSecret: values.AZURE_CLIENT_SECRET ?? null,
      federatedTokenFile: values.AZURE_FEDERATED_TOKEN_FILE ?? null,
      authorityUrl: withoutSlash(values.AZURE_AUTHORITY_HOST ?? 'https://login.microsoftonline.com'),
      metadataUrl: withoutSlash(values.AZURE_POD_IDENTITY_AUTHORITY_HOST ?? metadataService),
    },
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
