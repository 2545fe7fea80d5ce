import { describe, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../../../src/domain/connections/connection.ts';
import { type Destination, effectOfEdit, redirectedFields } from '../../../../src/domain/connections/edit.ts';
import { someSettings } from '../../../support/builders/connection.ts';

const settings = someSettings({
  authorizationUrl: 'https://provider.test/authorize',
  tokenUrl: 'https://provider.test/token',
  variables: { a: '1', b: '2' },
  scopes: ['read', 'write'],
});
const nothing = {
  dropsTokens: false,
  liftsClientRejection: false,
  keepsOldSecret: false,
  changesSlots: false,
  fetchesToken: false,
  changesAnything: false,
};

const kept = { change: 'kept', isSentToNewHosts: false, mayKeepOld: true } as const;
const replaced = { ...kept, change: 'replaced' } as const;

describe('fields that redirect secrets or tokens', () => {
  test.each<[Partial<Destination>, string]>([
    [{ provider: 'google' }, 'provider'],
    [{ flow: 'client_credentials' }, 'oauth_flow_type'],
    [{ clientId: 'other' }, 'client_id'],
    [{ authorizationUrl: 'https://evil.test/' }, 'authorization_url'],
    [{ tokenUrl: 'https://evil.test/' }, 'token_url'],
    [{ variables: { a: '1', b: '3' } }, 'variables'],
    [{ tokenAuthMethod: 'client_secret_post' }, 'token_auth_method'],
  ])('the change %j is reported as redirecting %s', (change, field) => {
    expect(redirectedFields(settings, { ...settings, ...change })).toEqual([field]);
  });

  test('variables in another order redirect nothing', () => {
    expect(redirectedFields(settings, { ...settings, variables: { b: '2', a: '1' } })).toEqual([]);
  });
});

describe('effects of an edit', () => {
  test('an edit with the same values changes nothing', () => {
    expect(effectOfEdit(settings, { ...settings, variables: { b: '2', a: '1' } }, [], kept)).toEqual(nothing);
  });

  test('a redirecting edit drops the tokens and the old secret', () => {
    const effect = effectOfEdit(settings, { ...settings, clientId: 'x' }, ['client_id'], replaced);
    expect(effect).toEqual({ ...nothing, dropsTokens: true, changesAnything: true });
  });

  test('an edit of the secret alone keeps the tokens and the old secret, and lifts client_rejected', () => {
    const effect = effectOfEdit(settings, settings, [], replaced);
    expect(effect).toEqual({ ...nothing, liftsClientRejection: true, keepsOldSecret: true, changesAnything: true });
  });

  test('a secret that the new revocation URL may not receive is not kept beside its successor', () => {
    const effect = effectOfEdit(settings, settings, [], { ...replaced, mayKeepOld: false });
    expect(effect).toMatchObject({ liftsClientRejection: true, keepsOldSecret: false });
  });

  test('a secret sent again after a URL moved is a change, and gives a client_credentials connection a token', () => {
    const client = { ...settings, flow: 'client_credentials' } as const;
    expect(effectOfEdit(client, client, [], { ...kept, isSentToNewHosts: true })).toEqual({
      ...nothing,
      fetchesToken: true,
      changesAnything: true,
    });
  });

  test.each<Partial<ConnectionSettings>>([{ scopes: ['read'] }, { tokenParams: { audience: 'api' } }])(
    'the edit %j keeps the tokens; a client_credentials connection obtains a new token',
    (change) => {
      expect(effectOfEdit(settings, { ...settings, ...change }, [], kept)).toEqual({
        ...nothing,
        changesAnything: true,
      });
      const client = { ...settings, flow: 'client_credentials' } as const;
      expect(effectOfEdit(client, { ...client, ...change }, [], kept).fetchesToken).toBe(true);
    },
  );

  test('an edit of description and sharing has no further effect', () => {
    const client = { ...settings, flow: 'client_credentials' } as const;
    const edited = { ...client, description: 'x', shareWithOrganizations: false };
    expect(effectOfEdit(client, edited, [], kept)).toEqual({ ...nothing, changesAnything: true });
  });
});
