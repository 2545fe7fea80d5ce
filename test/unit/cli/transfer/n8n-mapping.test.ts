import { describe, expect, test } from 'vitest';
import { createNames } from '../../../../src/cli/transfer/sources/connection-name.ts';
import { mapCredential } from '../../../../src/cli/transfer/sources/n8n/map-credential.ts';

const data = {
  grantType: 'authorizationCode',
  authUrl: 'https://crm.example/authorize',
  accessTokenUrl: 'https://crm.example/token',
  clientId: 'client',
  clientSecret: 'secret',
  scope: 'read write',
  authQueryParameters: 'access_type=offline&response_type=code',
  authentication: 'body',
  oauthTokenData: { access_token: 'access', refresh_token: 'refresh', token_type: 'Bearer', expires_in: 3600 },
};
const credential = (change: object = {}, more: object = {}) => ({
  id: '7',
  name: 'CRM of Ada',
  type: 'oAuth2Api',
  updatedAt: '2030-01-31T12:00:00.000Z',
  data: { ...data, ...change },
  ...more,
});
const map = (value: unknown) => mapCredential(value, { templates: [], nameOf: createNames() });

describe('a credential', () => {
  test('becomes a connection with one grant, whose access token is obtained anew', () => {
    expect(map(credential())).toEqual({
      kind: 'grant',
      from: 'oAuth2Api "CRM of Ada"',
      connection: {
        connection_name: 'CRM-of-Ada',
        client_id: 'client',
        client_secret: 'secret',
        provider: 'generic',
        authorization_url: 'https://crm.example/authorize',
        token_url: 'https://crm.example/token',
        token_auth_method: 'client_secret_post',
        scopes: ['read', 'write'],
        authorize_params: { access_type: 'offline' },
        share_with_organizations: false,
        description: 'From the credential CRM of Ada (oAuth2Api) of n8n',
      },
      grant: { connection_name: 'CRM-of-Ada', refresh_token: 'refresh' },
    });
  });

  test('without a refresh token keeps its token response, and the time of its last change', () => {
    const oauthTokenData = { access_token: 'access', team: { id: 'T1' }, callbackQueryString: { realmId: '9' } };
    expect(map(credential({ oauthTokenData }))).toMatchObject({
      grant: {
        token_response: { access_token: 'access', team: { id: 'T1' } },
        received_at: '2030-01-31T12:00:00.000Z',
      },
    });
  });

  test('keeps what the callback and the token response said besides', () => {
    const oauthTokenData = { ...data.oauthTokenData, instance_url: 'https://i', callbackQueryString: { realmId: '9' } };
    expect(map(credential({ oauthTokenData }))).toMatchObject({
      grant: { extra: { realmId: '9', instance_url: 'https://i' } },
    });
  });

  test('of a machine becomes a connection that obtains its token by itself', () => {
    const machine = {
      grantType: 'clientCredentials',
      authentication: 'header',
      sendAdditionalBodyProperties: true,
      additionalBodyProperties: '{"audience":"https://api.example"}',
      oauthTokenData: undefined,
    };
    expect(map(credential(machine))).toMatchObject({
      kind: 'connection',
      connection: {
        oauth_flow_type: 'client_credentials',
        token_auth_method: 'client_secret_basic',
        token_params: { audience: 'https://api.example' },
      },
    });
  });

  test.each<[string, object, object]>([
    ['gmailOAuth2', {}, { provider: 'google-gmail' }],
    ['googleSheetsOAuth2Api', {}, { provider: 'google' }],
    ['microsoftOutlookOAuth2Api', {}, { provider: 'microsoft-graph' }],
    ['slackOAuth2Api', {}, { provider: 'slack' }],
    ['zendeskOAuth2Api', { subdomain: 'acme' }, { provider: 'zendesk', variables: { sub: 'acme' } }],
    ['serviceNowOAuth2Api', { subdomain: 'a' }, { variables: { host: 'a.service-now.com' } }],
    ['salesforceOAuth2Api', { environment: 'sandbox' }, { variables: { domain: 'test.salesforce.com' } }],
    ['gitlabOAuth2Api', { server: 'https://git.example' }, { variables: { base: 'git.example' } }],
  ])('of the type %s finds its template', (type, fields, connection) => {
    const kept = { clientId: 'client', clientSecret: 'secret', oauthTokenData: data.oauthTokenData };
    // An address that n8n computes is exported as its expression, if at all.
    const shipped = { ...kept, authUrl: '={{ $self["x"] }}', ...fields };
    expect(map({ ...credential(), type, data: shipped })).toMatchObject({ kind: 'grant', connection });
  });

  test.each<[string, unknown, boolean, RegExp]>([
    ['an API key', { ...credential(), type: 'httpHeaderAuth' }, false, /no OAuth/],
    ['encrypted data', { ...credential(), data: 'U2FsdGVk' }, true, /--decrypted/],
    ['no token', credential({ oauthTokenData: undefined }), true, /must authorize/],
    ['no client', credential({ clientId: '' }), true, /no client id/],
    ['wrong certificates', credential({ ignoreSSLIssues: true }), true, /certificates/],
    ['an unknown type', { ...credential({ authUrl: '', accessTokenUrl: '' }), type: 'odooOAuth2Api' }, true, /URL/],
    [
      'GitHub Enterprise',
      {
        ...credential({ authUrl: '', accessTokenUrl: '', server: 'https://ghe.example/api' }),
        type: 'githubOAuth2Api',
      },
      true,
      /URL/,
    ],
  ])('with %s is reported', (_what, value, isFailure, reason) => {
    expect(map(value)).toMatchObject({ kind: 'unmapped', isFailure, reason: expect.stringMatching(reason) });
  });
});

test('two credentials of one name become two connections, with the same names each time', () => {
  const names = () => {
    const nameOf = createNames();
    return [nameOf('1', 'Gmail'), nameOf('2', 'Gmail'), nameOf('1', 'Gmail'), nameOf('3', '')];
  };
  expect(names()).toEqual(['Gmail', 'Gmail-2', 'Gmail', '3']);
  expect(names()).toEqual(names());
});
