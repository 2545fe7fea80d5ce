import { expect, test } from 'vitest';
import { descriptionOf } from '../../../src/domain/provider-failure.ts';
import { networkFailure } from '../../../src/outbound/network-failure.ts';

test('a failure without text of the provider is described by what the broker met, in 200 characters at most', () => {
  const unresolved = networkFailure(Object.assign(new Error('secret'), { code: 'ENOTFOUND' }), false);
  expect(descriptionOf(unresolved)).toBe("The provider's host name could not be resolved.");
  expect(unresolved.message).toBe("The provider's host name cannot be resolved, or its address may not be reached.");
  const broken = networkFailure(Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }), false);
  const { facts } = broken;
  expect(descriptionOf(Object.assign(broken, { message: 'x'.repeat(300) }))).toHaveLength(200);
  expect(descriptionOf(Object.assign(broken, { facts: { ...facts, description: 'Expired.' } }))).toBe('Expired.');
});
