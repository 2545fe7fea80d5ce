import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../../src/domain/secret.ts';

test('a secret never appears in text, JSON or inspection output', () => {
  const secret = new Secret('hunter2');
  const printed = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
    String(secret),
    Object.entries(secret).join(),
  ];
  expect(printed.join('\n')).not.toContain('hunter2');
  expect(secret.reveal()).toBe('hunter2');
});
