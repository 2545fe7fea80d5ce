import { describe, expect, test } from 'vitest';
import { accessOf, authorize } from '../../../../src/domain/callers/access.ts';
import type { Caller } from '../../../../src/domain/callers/caller.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';

const trace = { requestId: 'request-1', address: '192.0.2.1' };
const everything: Caller = {
  id: 'api_key:1',
  name: 'one',
  permissions: ['connections:read', 'admin:read'],
  organizations: '*',
  global: true,
  connections: null,
  expiresAt: null,
  rateLimitPerMinute: null,
};
const ofAcme: Caller = { ...everything, organizations: ['acme'], global: false };

describe('authorizing an operation', () => {
  test('of one organisation returns the actor: the named organisation, else the one that the caller implies', () => {
    expect(authorize(everything, accessOf.listConnections, 'globex', trace)).toEqual({
      caller: everything,
      organizationId: 'globex',
      trace,
    });
    expect(authorize(ofAcme, accessOf.listConnections, undefined, trace).organizationId).toBe('acme');
    expect(authorize(everything, accessOf.listConnections, undefined, trace).organizationId).toBeNull();
  });

  test('of the global scope, named as such, is refused to a caller that implies an organisation', () => {
    expect(authorize(everything, accessOf.listConnections, null, trace).organizationId).toBeNull();
    expect(() => authorize(ofAcme, accessOf.listConnections, null, trace)).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
  });

  test('of one organisation is refused for an organisation beyond reach', () => {
    expect(() => authorize(ofAcme, accessOf.listConnections, 'globex', trace)).toThrow(BrokerError);
  });

  test('of any other kind returns no actor, whichever organisation the request names', () => {
    expect(authorize(ofAcme, accessOf.listProviders, 'globex', trace)).toBeNull();
    expect(authorize(everything, accessOf.listSweeps, undefined, trace)).toBeNull();
  });

  test('of the installation is refused to a caller that misses an organisation or the global scope', () => {
    for (const reach of [{ organizations: ['acme'] }, { global: false }]) {
      expect(() => authorize({ ...everything, ...reach }, accessOf.listSweeps, undefined, trace)).toThrow(
        expect.objectContaining({ code: 'forbidden' }),
      );
    }
  });

  test('of every kind is refused without the permission', () => {
    for (const access of [accessOf.createConnection, accessOf.createApiKey, accessOf.requestSweep]) {
      expect(() => authorize(everything, access, undefined, trace)).toThrow(
        expect.objectContaining({ code: 'forbidden', message: `This needs the permission ${access.permission}.` }),
      );
    }
  });
});
