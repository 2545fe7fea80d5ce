import { expect, test } from 'vitest';
import { quirksOf } from '../../../../src/console/providers/quirks.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';

const catalogue = createCatalogue();

test.each(catalogue.list().map((template) => [template.id, template] as const))(
  'the quirks of %s are sentences',
  (_, template) => {
    const quirks = quirksOf(template);
    expect(quirks.length).toBeGreaterThan(1);
    for (const quirk of quirks) {
      expect(quirk).toMatch(/^[A-Z].*\.$/);
      expect(quirk).not.toMatch(/undefined|null|\[object/);
    }
    expect(new Set(quirks).size).toBe(quirks.length);
  },
);

test('a refresh token that rotates is told from one that stays', () => {
  const [template] = catalogue.list();
  if (template === undefined) throw new Error('no template');
  const quirks = (rotates: boolean | null) =>
    quirksOf({ ...template, refreshToken: { ...template.refreshToken, rotates } }).join(' ');
  expect(quirks(true)).toContain('the old one stops working');
  expect(quirks(false)).toContain('stays the same');
  expect(quirks(null)).not.toMatch(/stops working|stays the same/);
});
