import { z } from 'zod';
import type { NewConnection } from '../../broker/create-connection.ts';
import type { ConnectionEdit } from '../../broker/edit-connection.ts';
import { type ConnectionSettings, flows, tokenAuthMethods } from '../../domain/connection.ts';
import { Secret } from '../../domain/secret.ts';
import { parameterMap, parameterPatch, variableMap, variablePatch } from './parameters.ts';
import { scopes } from './scopes.ts';
import { connectionName, line, text, url } from './text.ts';

const clientId = line(512);
/** Room for a private key with a chain of certificates. */
const maxSecretLength = 32_768;
const clientSecret = text(maxSecretLength).transform((value) => new Secret(value));
const provider = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'is not the id of a provider template');

/** The template of providers that have none: plain RFC 6749. */
const defaultProvider = 'generic';

/** Null and absent both mean the default. */
const optional = {
  provider: provider.nullish(),
  oauth_flow_type: z.enum(flows).nullish().describe('Default authorization_code.'),
  client_secret: clientSecret
    .nullish()
    .meta({ openapi: { type: ['string', 'null'], minLength: 1, maxLength: maxSecretLength, writeOnly: true } })
    .describe(
      'Under private_key_jwt a private key, as PEM or JSON Web Key; under tls_client_auth and self_signed_tls_client_auth the certificates and their private key as PEM.',
    ),
  authorization_url: url.nullish(),
  token_url: url.nullish(),
  revocation_url: url.nullish(),
  test_url: url.nullish(),
  scopes: scopes.nullish().describe('Default: the template’s own.'),
  token_auth_method: z.enum(tokenAuthMethods).nullish().describe('Default: the template’s own.'),
  multi_account: z.boolean().nullish().describe('Default false: one account for each organisation and subject.'),
  share_with_organizations: z
    .boolean()
    .nullish()
    .describe(
      'Default true: the shared grant of a global connection serves organisations that have none of their own.',
    ),
  description: text(2000).nullish(),
};
const maps = {
  variables: variableMap.nullish().describe('Values of the placeholders in the template’s URLs.'),
  authorize_params: parameterMap.nullish().describe('Added to the authorization request.'),
  token_params: parameterMap.nullish().describe('Added to the token request.'),
};

export const newConnection = z
  .strictObject({ connection_name: connectionName, client_id: clientId, ...optional, ...maps })
  .meta({ id: 'NewConnection' });

export const connectionReplacement = z
  .strictObject({ connection_name: connectionName.optional(), client_id: clientId, ...optional, ...maps })
  .meta({
    id: 'ConnectionReplacement',
    description: 'Omitted fields return to their defaults; client_secret is kept.',
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
  .meta({ id: 'ConnectionPatch', description: 'RFC 7396: absent members stay, null removes.' });

type Settings = NewConnection['settings'];
type Replacement = z.output<typeof connectionReplacement>;
type Patch = z.output<typeof connectionPatch>;

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
    description: body.description ?? null,
  };
}

export function toNewConnection(body: z.output<typeof newConnection>): NewConnection {
  return { name: body.connection_name, clientSecret: body.client_secret ?? null, settings: toSettings(body) };
}

export function toReplacement(body: Replacement): Pick<ConnectionEdit, 'apply' | 'clientSecret'> {
  return { apply: () => toSettings(body), clientSecret: body.client_secret };
}

export function toMerge(patch: Patch): Pick<ConnectionEdit, 'apply' | 'clientSecret'> {
  return { apply: (current) => merge(current, patch), clientSecret: patch.client_secret };
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
    description: patch.description === undefined ? current.description : changed.description,
  };
}

/** RFC 7396 §2, one level deep, which is all there is. */
function mergeMap(
  current: Record<string, string>,
  patch: Record<string, string | null> | null | undefined,
): Record<string, string> {
  if (patch === undefined) return current;
  if (patch === null) return {};
  const merged = { ...current, ...patch };
  return Object.fromEntries(Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null));
}
