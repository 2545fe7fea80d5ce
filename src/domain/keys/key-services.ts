import type { Secret } from '../secret.ts';

/**
 * How this service signs in to key services, from the variables that each vendor's own tools read. Files are read anew for
 * each sign-in: agents replace their contents.
 */
export interface KeyServiceSettings {
  readonly vault: {
    readonly token: Secret | null;
    readonly tokenFile: string | null;
    /** File of certificates (PEM) trusted in place of the system's. */
    readonly caFile: string | null;
    readonly namespace: string | null;
  };
  readonly aws: {
    readonly accessKeyId: string | null;
    readonly secretAccessKey: Secret | null;
    readonly sessionToken: Secret | null;
    readonly roleArn: string | null;
    readonly webIdentityTokenFile: string | null;
    readonly containerCredentialsUrl: string | null;
    readonly containerTokenFile: string | null;
    /** Base URL in place of the public endpoint of the region, such as that of a VPC endpoint. */
    readonly kmsUrl: string | null;
    readonly stsUrl: string | null;
    /** Base URL of the metadata service of EC2. */
    readonly metadataUrl: string;
  };
  readonly google: {
    /** File of a service account key. Null: the metadata server. */
    readonly credentialsFile: string | null;
    /** Host, perhaps with a port, of the metadata server. */
    readonly metadataHost: string;
  };
  readonly azure: {
    readonly tenantId: string | null;
    readonly clientId: string | null;
    readonly clientSecret: Secret | null;
    readonly federatedTokenFile: string | null;
    readonly authorityUrl: string;
    /** Base URL of the instance metadata service. */
    readonly metadataUrl: string;
  };
}
