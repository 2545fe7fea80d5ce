import { expect, test } from 'vitest';
import { projectRoot, readTree } from '../support/architecture/source-tree.ts';

const sources = readTree(projectRoot, ['src']);
/** Values that a caller could learn byte by byte from the time that a comparison takes. */
const secretValues = /\b(?:secretHash|bootstrapHash|codeHash|confirmationCode|binding\.challenge)\b/;
const comparison = /[!=]==?(?!=|\s*(?:null|undefined)\b)|\.equals\(|\.includes\(|\.startsWith\(|localeCompare/;

test('hashes of keys and confirmations are compared in constant time, and in no other way', () => {
  expect(sources.get('src/crypto/tokens.ts')).toMatch(/\bequal: .*\btimingSafeEqual\(a, b\)/);
  const lines = [...sources].flatMap(([file, text]) => text.split('\n').map((line) => ({ file, line })));
  const about = lines.filter(({ line }) => secretValues.test(line));
  expect(about.length).toBeGreaterThan(5);
  expect(about.filter(({ line }) => comparison.test(line.replace(/=>/g, '')))).toEqual([]);
});
