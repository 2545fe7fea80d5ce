import { z } from 'zod';
import type { NewConnection } from '../../broker/connections/create-connection.ts';
import type { ConnectionEdit } from '../../broker/connections/edit-connection.ts';
import { type ConnectionSettings, flows, tokenAuthMethods } from '../../domain/connections/connection.ts';
import { Secret } from '../../domain/secret.ts';
import { parameterMap, parameterPatch, variableMap, variablePatch } from './fields/parameters.ts';
import { scopes } from './fields/scopes.ts';
import { connectionName, line, text, url } from './fields/text.ts';

const clientId = line(512, { trim: true });
/** Maximum characters of a client secret. Large enough for a private key with a certificate chain in PEM. */
const maxSecretLength = 32_768;
const clientSecret = text(maxSecretLength, { trim: true }).transform((value) => new Secret(value));
const provider = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'is not the id of a provider template');

/** Template for providers without a template of their own: RFC 6749 without extensions. */
const defaultProvider = 'generic';

/** Optional fields. Null and absent both mean the default. */
const optional = {
  provider: provider.nullish(),
  oauth_flow_type: z.enum(flows).nullish().describe('Default: authorization_code.'),
  client_secret: clientSecret
    .nullish()
    .meta({ openapi: { type: ['string', 'null'], minLength: 1, maxLength: maxSecretLength, writeOnly: true } })
    .describe(
      'For private_key_jwt: a private key as PEM or JSON Web Key. For tls_client_auth and self_signed_tls_client_auth: the certificates and their private key as PEM.',
    ),
  authorization_url: url.nullish(),
  token_url: url.nullish(),
  revocation_url: url.nullish(),
  test_url: url.nullish(),
  scopes: scopes.nullish().describe('Default: the scopes of the template.'),
  token_auth_method: z.enum(tokenAuthMethods).nullish().describe('Default: the method of the template.'),
  multi_account: z.boolean().nullish().describe('Whether a subject may hold several accounts. Default: false.'),
  share_with_organizations: z
    .boolean()
    .nullish()
    .describe(
      'Whether organisations without a grant of their own use the shared grant of a global connection. Default: true.',
    ),
  allow_import: z
    .boolean()
    .nullish()
    .describe('Whether organisations may import grants below this global connection. Default: false.'),
  pkce: z
    .boolean()
    .nullish()
    .describe(
      'Whether PKCE is used (RFC 7636). False for providers that refuse it; needs a client that authenticates. Default: as the template says.',
    ),
  terminal_errors: z
    .array(line(100))
    .max(50)
    .nullish()
    .describe('Error codes of the provider that end a grant as invalid_grant does, besides those that are known.'),
  error_path: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9_-]+([.|][A-Za-z0-9_-]+)*$/, 'must be member names joined by dots, such as error.code')
    .nullish()
    .describe('Location of the error code in responses of the provider. Default: as the template says.'),
  description: text(2000).nullish(),
  managed_by: line(200)
    .nullish()
    .describe('Name of the file that the connection is kept in. A request with it is an application of that file.'),
};
const maps = {
  variables: variableMap.nullish().describe('Values of the placeholders in the URLs of the template.'),
  authorize_params: parameterMap.nullish().describe('Parameters added to the authorization request.'),
  token_params: parameterMap.nullish().describe('Parameters added to the token request.'),
};

export const newConnection = z
  .strictObject({ connection_name: connectionName, client_id: clientId, ...optional, ...maps })
  .meta({ id: 'NewConnection' });

export const connectionReplacement = z
  .strictObject({ connection_name: connectionName.optional(), client_id: clientId, ...optional, ...maps })
  .meta({
    id: 'ConnectionReplacement',
    description: 'Omitted fields are set to their defaults; client_secret is kept.',
  });

export const connectionPatch = z
  .strictObject({
    connection_name: connectionName.optional(),
    client_id: clientId.optional(),
    ...optional,
    variables: variablePatch.nullish(),
    authorize_params: parameterPatch.nullish(),
    token_params: parameterPatch.nullish(),
  })
  .meta({
    id: 'ConnectionPatch',
    description: 'JSON merge patch (RFC 7396): absent members are kept, null removes a member.',
  });

type Settings = NewConnection['settings'];
type Replacement = z.output<typeof connectionReplacement>;
type Patch = z.output<typeof connectionPatch>;
type Change = Pick<ConnectionEdit, 'apply' | 'clientSecret' | 'isApplied'>;

function toSettings(body: Replacement): Settings {
  return {
    provider: body.provider ?? defaultProvider,
    flow: body.oauth_flow_type ?? 'authorization_code',
    clientId: body.client_id,
    authorizationUrl: body.authorization_url ?? null,
    tokenUrl: body.token_url ?? null,
    revocationUrl: body.revocation_url ?? null,
    testUrl: body.test_url ?? null,
    tokenAuthMethod: body.token_auth_method ?? null,
    variables: body.variables ?? {},
    scopes: body.scopes ?? null,
    authorizeParams: body.authorize_params ?? {},
    tokenParams: body.token_params ?? {},
    multiAccount: body.multi_account ?? false,
    shareWithOrganizations: body.share_with_organizations ?? true,
    allowImport: body.allow_import ?? false,
    pkce: body.pkce ?? null,
    terminalErrors: body.terminal_errors ?? [],
    errorPath: body.error_path ?? null,
    description: body.description ?? null,
    managedBy: body.managed_by ?? null,
  };
}

export function toNewConnection(body: z.output<typeof newConnection>): NewConnection {
  return { name: body.connection_name, clientSecret: body.client_secret ?? null, settings: toSettings(body) };
}

export function toReplacement(body: Replacement): Change {
  return { apply: () => toSettings(body), clientSecret: body.client_secret, isApplied: body.managed_by != null };
}

export function toMerge(patch: Patch): Change {
  const isApplied = patch.managed_by != null;
  return { apply: (current) => merge(current, patch), clientSecret: patch.client_secret, isApplied };
}

function merge(current: ConnectionSettings, patch: Patch): Settings {
  const changed = toSettings({
    ...patch,
    client_id: patch.client_id ?? current.clientId,
    variables: {},
    authorize_params: {},
    token_params: {},
  });
  return {
    provider: patch.provider === undefined ? current.provider : changed.provider,
    flow: patch.oauth_flow_type === undefined ? current.flow : changed.flow,
    clientId: changed.clientId,
    authorizationUrl: patch.authorization_url === undefined ? current.authorizationUrl : changed.authorizationUrl,
    tokenUrl: patch.token_url === undefined ? current.tokenUrl : changed.tokenUrl,
    revocationUrl: patch.revocation_url === undefined ? current.revocationUrl : changed.revocationUrl,
    testUrl: patch.test_url === undefined ? current.testUrl : changed.testUrl,
    tokenAuthMethod: patch.token_auth_method === undefined ? current.tokenAuthMethod : changed.tokenAuthMethod,
    variables: mergeMap(current.variables, patch.variables),
    scopes: patch.scopes === undefined ? current.scopes : changed.scopes,
    authorizeParams: mergeMap(current.authorizeParams, patch.authorize_params),
    tokenParams: mergeMap(current.tokenParams, patch.token_params),
    multiAccount: patch.multi_account === undefined ? current.multiAccount : changed.multiAccount,
    shareWithOrganizations:
      patch.share_with_organizations === undefined ? current.shareWithOrganizations : changed.shareWithOrganizations,
    allowImport: patch.allow_import === undefined ? current.allowImport : changed.allowImport,
    pkce: patch.pkce === undefined ? current.pkce : changed.pkce,
    terminalErrors: patch.terminal_errors === undefined ? current.terminalErrors : changed.terminalErrors,
    errorPath: patch.error_path === undefined ? current.errorPath : changed.errorPath,
    description: patch.description === undefined ? current.description : changed.description,
    managedBy: patch.managed_by === undefined ? current.managedBy : changed.managedBy,
  };
}

/** Merges one level of members (RFC 7396 §2). The values are strings, so there is no deeper level. */
function mergeMap(
  current: Record<string, string>,
  patch: Record<string, string | null> | null | undefined,
): Record<string, string> {
  if (patch === undefined) return current;
  if (patch === null) return {};
  const merged = { ...current, ...patch };
  return Object.fromEntries(Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null));
}
