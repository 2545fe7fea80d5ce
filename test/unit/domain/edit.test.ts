import { describe, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../../src/domain/connection.ts';
import { type Destination, effectOfEdit, redirectedFields } from '../../../src/domain/edit.ts';

const settings: ConnectionSettings = {
  provider: 'generic',
  flow: 'authorization_code',
  clientId: 'client',
  authorizationUrl: 'https://provider.test/authorize',
  tokenUrl: 'https://provider.test/token',
  revocationUrl: null,
  testUrl: null,
  tokenAuthMethod: null,
  variables: { a: '1', b: '2' },
  scopes: ['read', 'write'],
  authorizeParams: {},
  tokenParams: {},
  multiAccount: false,
  shareWithOrganizations: true,
  description: null,
};
const nothing = {
  dropsTokens: false,
  liftsClientRejection: false,
  keepsOldSecret: false,
  changesSlots: false,
  fetchesToken: false,
  changesAnything: false,
};

describe('fields that redirect secrets or tokens', () => {
  test.each<[Partial<Destination>, string]>([
    [{ provider: 'google' }, 'provider'],
    [{ flow: 'client_credentials' }, 'oauth_flow_type'],
    [{ clientId: 'other' }, 'client_id'],
    [{ authorizationUrl: 'https://evil.test/' }, 'authorization_url'],
    [{ tokenUrl: 'https://evil.test/' }, 'token_url'],
    [{ revocationUrl: 'https://evil.test/' }, 'revocation_url'],
    [{ testUrl: 'https://evil.test/' }, 'test_url'],
    [{ variables: { a: '1', b: '3' } }, 'variables'],
    [{ tokenAuthMethod: 'client_secret_post' }, 'token_auth_method'],
  ])('%j is reported as %s', (change, field) => {
    expect(redirectedFields(settings, { ...settings, ...change })).toEqual([field]);
  });

  test('the order in which variables are written redirects nothing', () => {
    expect(redirectedFields(settings, { ...settings, variables: { b: '2', a: '1' } })).toEqual([]);
  });
});

describe('what an edit does', () => {
  test('the same values again do nothing', () => {
    expect(effectOfEdit(settings, { ...settings, variables: { b: '2', a: '1' } }, [], 'kept')).toEqual(nothing);
  });

  test('a redirecting change drops tokens, and no old secret goes along', () => {
    const effect = effectOfEdit(settings, { ...settings, clientId: 'x' }, ['client_id'], 'replaced');
    expect(effect).toEqual({ ...nothing, dropsTokens: true, changesAnything: true });
  });

  test('a secret alone keeps the tokens, lifts client_rejected and leaves the old secret for a while', () => {
    const effect = effectOfEdit(settings, settings, [], 'replaced');
    expect(effect).toEqual({ ...nothing, liftsClientRejection: true, keepsOldSecret: true, changesAnything: true });
  });

  test.each<Partial<ConnectionSettings>>([{ scopes: ['read'] }, { tokenParams: { audience: 'api' } }])(
    '%j keeps the tokens; a client acting for itself asks again at once',
    (change) => {
      expect(effectOfEdit(settings, { ...settings, ...change }, [], 'kept')).toEqual({
        ...nothing,
        changesAnything: true,
      });
      const client = { ...settings, flow: 'client_credentials' } as const;
      expect(effectOfEdit(client, { ...client, ...change }, [], 'kept').fetchesToken).toBe(true);
    },
  );

  test('description and sharing do nothing else', () => {
    const client = { ...settings, flow: 'client_credentials' } as const;
    const edited = { ...client, description: 'x', shareWithOrganizations: false };
    expect(effectOfEdit(client, edited, [], 'kept')).toEqual({ ...nothing, changesAnything: true });
  });
});
