import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html } from '../../../src/markup/html.ts';

test('a value in html cannot break out of text or of a quoted attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', ';', '/') }), (value) => {
      const { text } = html`<p title="${value}">${value}</p>`;
      const inner = text.slice('<p title="'.length, -'</p>'.length);
      expect(inner.split('">')).toHaveLength(2);
      expect(inner.replace('">', '')).not.toMatch(/[<>"']/);
    }),
  );
});

test('html inserts only its own markup unescaped, nested and in lists', () => {
  const items = ['<a>', null, undefined, 7].map((item) => html`<li>${item}</li>`);
  expect(html`<ul>${items}</ul>${['<b>']}`.text).toBe(
    '<ul><li>&lt;a&gt;</li><li></li><li></li><li>7</li></ul>&lt;b&gt;',
  );
});
