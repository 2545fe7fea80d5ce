import { expect, test } from 'vitest';
import { serverFaults } from '../../../src/app/diagnosis/server-faults.ts';

const good = {
  version: 150_004,
  encoding: 'UTF8',
  isStandby: false,
  database: 'a "base"',
  role: 'app',
  schema: 'public',
  mayCreateSchemas: true,
  mayCreateTables: true,
  isQueueOwnedElsewhere: false,
};
const everything = { createsTables: true, hasQueue: true };

test('a server that has all it needs has no fault', () => {
  expect(serverFaults(good, everything)).toEqual([]);
});

test.each([
  [{ version: 140_011 }, 'the server is PostgreSQL 14.11: use version 15 or later'],
  [{ encoding: 'LATIN1' }, 'the encoding of the database is LATIN1'],
  [{ isStandby: true, mayCreateTables: false }, 'the server is a standby and read-only: name the primary'],
  [{ schema: null }, 'run CREATE SCHEMA name AUTHORIZATION "app"'],
  [{ mayCreateTables: false }, 'run GRANT CREATE ON SCHEMA "public" TO "app"'],
  [{ mayCreateSchemas: false }, 'run GRANT CREATE ON DATABASE "a ""base""" TO "app"'],
])('%j is one fault with the change that helps', (facts, message) => {
  expect(serverFaults({ ...good, ...facts }, everything)).toEqual([expect.stringContaining(message)]);
});

test('privileges that the process does not use are no fault', () => {
  const facts = { ...good, schema: null, mayCreateSchemas: false, mayCreateTables: false };
  expect(serverFaults(facts, { createsTables: false, hasQueue: false })).toEqual([]);
  const prepared = { ...facts, isQueueOwnedElsewhere: true };
  expect(serverFaults(prepared, { createsTables: false, hasQueue: true })).toEqual([]);
});
