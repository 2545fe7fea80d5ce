import type { NewConnection } from '../../../client/types/connection.ts';
import type { CommandContext } from '../../context.ts';
import { readSecretFile } from '../../settings/secret-file.ts';
import type { SecretSource } from '../option-values.ts';

/** Options of create and edit, as they are parsed. */
export interface FieldOptions {
  provider?: string;
  flow?: string;
  clientId?: string;
  /** true: ask for it. false: there is none. */
  clientSecret?: SecretSource | boolean;
  authorizationUrl?: string;
  tokenUrl?: string;
  revocationUrl?: string;
  testUrl?: string;
  scopes?: string;
  tokenAuthMethod?: string;
  variable?: Record<string, string>;
  authorizeParam?: Record<string, string>;
  tokenParam?: Record<string, string>;
  multiAccount?: boolean;
  shareWithOrganizations?: boolean;
  allowImport?: boolean;
  pkce?: boolean;
  terminalError?: string[];
  errorPath?: string;
  description?: string;
}

/** Fields of a connection that options can name. */
export type Fields = Partial<Omit<NewConnection, 'connection_name'>>;

/** Turns options into fields of the API. Absent options are left out. The broker checks the values. */
export function fieldsOf(options: FieldOptions): Fields {
  const all = {
    provider: options.provider,
    oauth_flow_type: options.flow,
    client_id: options.clientId,
    authorization_url: options.authorizationUrl,
    token_url: options.tokenUrl,
    revocation_url: options.revocationUrl,
    test_url: options.testUrl,
    scopes: options.scopes,
    token_auth_method: options.tokenAuthMethod,
    variables: options.variable,
    authorize_params: options.authorizeParam,
    token_params: options.tokenParam,
    multi_account: options.multiAccount,
    share_with_organizations: options.shareWithOrganizations,
    allow_import: options.allowImport,
    pkce: options.pkce,
    terminal_errors: options.terminalError,
    error_path: options.errorPath,
    description: options.description,
  };
  // Names of flows and methods are typed by a person. The broker lists the valid ones in its refusal.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Fields;
}

/** Reads the secret from where the options say; undefined if they say nothing. */
export async function readClientSecret(
  { prompts, stdin, directory }: CommandContext,
  source: FieldOptions['clientSecret'],
): Promise<string | undefined> {
  if (source === undefined || source === false) return undefined;
  if (source === true) return prompts.secret('Client secret', '--client-secret - or --client-secret FILE');
  return readSecretFile({ stdin, directory }, source.file, '--client-secret');
}
