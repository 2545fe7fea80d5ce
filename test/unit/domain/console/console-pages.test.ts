import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionNamePattern, organizationIdPattern } from '../../../../src/domain/connections/connection.ts';
import { connectionPage, grantPage } from '../../../../src/domain/console/console-pages.ts';

const name = fc.stringMatching(connectionNamePattern);
const organizationId = fc.option(fc.stringMatching(organizationIdPattern));
/** Opaque, so any text; not a dot segment, which no id is. */
const grantId = fc.string({ unit: 'binary', minLength: 1 }).filter((id) => !/^\.{1,2}$/.test(id) && id.isWellFormed());

/** Reads an URL as the console does: the parts of its path, and the organisation, which is null if the value is empty. */
function read(page: string) {
  const { pathname, searchParams, hash } = new URL(`https://broker.example/base${page}`);
  const organizations = searchParams.getAll('organization').map((value) => (value === '' ? null : value));
  return { parts: pathname.split('/').slice(1).map(decodeURIComponent), organizations, keys: searchParams.size, hash };
}

test('the URL of a connection has the same name and organisation when it is read again', () => {
  fc.assert(
    fc.property(name, organizationId, (name, organizationId) => {
      expect(read(connectionPage({ name, organizationId }))).toEqual({
        parts: ['base', 'console', 'connections', name],
        organizations: [organizationId],
        keys: 1,
        hash: '',
      });
    }),
  );
});

test('the URL of a grant has the same name, organisation and id when it is read again', () => {
  fc.assert(
    fc.property(name, organizationId, grantId, (connectionName, organizationId, grantId) => {
      expect(read(grantPage({ connectionName, organizationId, grantId }))).toEqual({
        parts: ['base', 'console', 'connections', connectionName, 'grants', grantId],
        organizations: [organizationId],
        keys: 1,
        hash: '',
      });
    }),
  );
});

test('pages below a connection and a grant keep the organisation, with an empty value for the global scope', () => {
  const organizationId = 'a:b@c';
  expect(connectionPage({ name: 'crm', organizationId }, 'why')).toBe(
    '/console/connections/crm/why?organization=a%3Ab%40c',
  );
  expect(grantPage({ connectionName: 'crm', organizationId: null, grantId: '7' }, 'revoke')).toBe(
    '/console/connections/crm/grants/7/revoke?organization=',
  );
});
