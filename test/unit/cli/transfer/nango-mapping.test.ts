import { describe, expect, test } from 'vitest';
import type { Template } from '../../../../src/cli/transfer/sources/match-template.ts';
import { mapGrant } from '../../../../src/cli/transfer/sources/nango/map-grant.ts';
import { mapIntegration } from '../../../../src/cli/transfer/sources/nango/map-integration.ts';

/** Nango's mark for a value of the connection. */
const placeholder = ['$', '{connectionConfig.subdomain}'].join('');
const templates: Template[] = [
  {
    id: 'zendesk',
    authorization_url: 'https://{sub}.zendesk.com/oauth/authorizations/new',
    token_url: 'https://{sub}.zendesk.com/oauth/tokens',
    variables: { sub: { pattern: '^[a-z]+$' } },
  },
];
const provider = {
  auth_mode: 'OAUTH2',
  authorization_url: 'https://crm.example/authorize',
  token_url: 'https://crm.example/token',
};
const details = {
  unique_key: 'crm-prod',
  provider: 'crm',
  credentials: { type: 'OAUTH2', client_id: 'client', client_secret: 'secret', scopes: 'read,write' },
};
const integration = (change: object = {}) => ({ key: 'crm-prod', details, provider: { ...provider, ...change } });

describe('an integration', () => {
  test('without a template becomes a generic connection with the same client', () => {
    const parameters = {
      authorization_params: { response_type: 'code', access_type: 'offline' },
      token_params: { grant_type: 'authorization_code' },
      token_request_auth_method: 'basic',
      disable_pkce: true,
    };
    expect(mapIntegration(integration(parameters), {}, templates)).toEqual({
      connection: {
        connection_name: 'crm-prod',
        client_id: 'client',
        client_secret: 'secret',
        scopes: ['read', 'write'],
        provider: 'generic',
        authorization_url: 'https://crm.example/authorize',
        token_url: 'https://crm.example/token',
        token_auth_method: 'client_secret_basic',
        pkce: false,
        authorize_params: { access_type: 'offline' },
        allow_import: true,
        share_with_organizations: false,
        description: 'From the integration crm-prod of Nango',
      },
    });
  });

  test('whose addresses differ by account becomes a connection for each account', () => {
    const zendesk = integration({
      authorization_url: `https://${placeholder}.zendesk.com/oauth/authorizations/new`,
      token_url: `https://${placeholder}.zendesk.com/oauth/tokens`,
    });
    expect(mapIntegration(zendesk, { subdomain: 'acme' }, templates)).toMatchObject({
      connection: { connection_name: 'crm-prod-acme', provider: 'zendesk', variables: { sub: 'acme' } },
    });
    expect(mapIntegration(zendesk, {}, templates)).toEqual({ reason: 'its connection_config has no subdomain' });
    for (const subdomain of ['attacker.example/', 'attacker.example#', 'a@attacker.example', '..', 'a b']) {
      expect(mapIntegration(zendesk, { subdomain }, templates)).toEqual({
        reason: 'its connection_config has a subdomain that is no part of a host name',
      });
    }
  });

  test.each<[string, object, RegExp]>([
    ['an API key', { auth_mode: 'API_KEY' }, /API_KEY/],
    ['JSON at the token endpoint', { body_format: 'json' }, /JSON/],
    ['an address of its own for refreshes', { refresh_url: 'https://crm.example/refresh' }, /refreshes at an address/],
    ['no fixed address', { token_url: undefined }, /no fixed/],
  ])('with %s is not mapped', (_what, change, reason) => {
    expect(mapIntegration(integration(change), {}, templates)).toEqual({ reason: expect.stringMatching(reason) });
  });
});

describe('a connection', () => {
  const connection = { connection_name: 'crm-prod', client_id: 'client' };
  const full = {
    connection_id: 'c-1',
    end_user: { id: 'ada', organization: { id: 'acme' } },
    tags: {},
    connection_config: { subdomain: 'acme', nested: {} },
    credentials: {
      type: 'OAUTH2',
      access_token: 'access',
      refresh_token: 'refresh',
      expires_at: '2030-01-31T12:00:00.000Z',
      raw: { access_token: 'access', refresh_token: 'refresh', scope: 'read write', instance_url: 'https://i.example' },
    },
  };
  const map = (change: object, kind: 'connection-id' | 'end-user' = 'connection-id') =>
    mapGrant('crm-prod/c-1', { ...full, ...change }, connection, kind);

  test('becomes a grant of the organisation of its end user', () => {
    expect(map({})).toEqual({
      kind: 'grant',
      from: 'crm-prod/c-1',
      connection,
      grant: {
        connection_name: 'crm-prod',
        organization_id: 'acme',
        subject: 'c-1',
        access_token: 'access',
        refresh_token: 'refresh',
        expires_at: '2030-01-31T12:00:00.000Z',
        scopes: ['read', 'write'],
        extra: { subdomain: 'acme', instance_url: 'https://i.example' },
      },
    });
    expect(map({}, 'end-user')).toMatchObject({ grant: { subject: 'ada' } });
  });

  test('takes organisation and end user from tags, which replace the end user in later versions', () => {
    const tagged = { end_user: null, tags: { end_user_id: 'eve', organization_id: 'other' } };
    expect(map(tagged, 'end-user')).toMatchObject({ grant: { organization_id: 'other', subject: 'eve' } });
    expect(map({ end_user: null }, 'connection-id')).toMatchObject({ kind: 'grant', grant: { subject: 'c-1' } });
  });

  test.each<[string, object, boolean, RegExp]>([
    ['an API key', { credentials: { type: 'API_KEY', apiKey: 'k' } }, false, /API_KEY/],
    ['no credentials', { credentials: {} }, true, /may not read credentials/],
    ['no token', { credentials: { type: 'OAUTH2' } }, true, /no token/],
    [
      'a client of its own',
      { credentials: { ...full.credentials, config_override: { client_id: 'own' } } },
      true,
      /client of its own/,
    ],
    [
      'an organisation with a space',
      { end_user: { id: 'a', organization: { id: 'a b' } } },
      true,
      /no organisation id/,
    ],
    ['a long id', { connection_id: 'x'.repeat(300) }, true, /longer/],
  ])('with %s is reported', (_what, change, isFailure, reason) => {
    expect(map(change)).toEqual({
      kind: 'unmapped',
      from: 'crm-prod/c-1',
      reason: expect.stringMatching(reason),
      isFailure,
    });
  });
});
