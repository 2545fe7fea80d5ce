import { expect, test } from 'vitest';
import { accessOf } from '../../../../src/domain/callers/access.ts';
import { contract } from '../../../../src/http/contract/contract.ts';

const rules: Record<string, unknown> = accessOf;
const guarded = contract.filter(({ access }) => access.for !== 'public');

test('every route that needs a caller takes the access rule of its own operation', () => {
  for (const { operationId, access } of guarded) expect(access, operationId).toBe(rules[operationId]);
});

test('the table has a rule for no other operation', () => {
  expect(Object.keys(rules).sort()).toEqual(guarded.map(({ operationId }) => operationId).sort());
});
