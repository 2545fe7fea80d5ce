import { expect, test } from 'vitest';
import { permissionTexts } from '../../../../src/console/layout/permission-texts.ts';
import { permissions } from '../../../../src/domain/callers/caller.ts';

test.each(permissions)('%s has a meaning of its own, in one short sentence', (permission) => {
  const { words, meaning } = permissionTexts[permission];
  expect(meaning).toMatch(/^[A-Z][^.]+\.$/);
  expect(meaning.split(/\s+/).length).toBeLessThanOrEqual(25);
  const others = permissions.filter((each) => each !== permission).map((each) => permissionTexts[each]);
  expect(others.flatMap((each) => [each.words, each.meaning])).not.toContain(words);
  expect(others.map((each) => each.meaning)).not.toContain(meaning);
});
