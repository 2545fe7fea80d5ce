import { describe, expect, test } from 'vitest';
import { style } from '../../../src/http/pages/style.ts';

type Palette = Record<string, string>;

/** Both values of each colour token. */
const tokens = [...style.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)];
const palettes: [string, Palette][] = [
  ['light', Object.fromEntries(tokens.map(([, name = '', light = '']) => [name, light]))],
  ['dark', Object.fromEntries(tokens.map(([, name = '', , dark = '']) => [name, dark]))],
];

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

test('the contrast of black on white is 21', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
});

describe.each(palettes)('in the %s scheme', (_name, palette) => {
  const pairs = [
    ...['text', 'soft', 'good', 'warn', 'bad', 'link'].flatMap((text) =>
      ['paper', 'ground'].map((surface): [string, string] => [text, surface]),
    ),
    ...['good', 'warn', 'bad', 'link'].flatMap((tone) => [
      [tone, `${tone}-ground`] as const,
      ['text', `${tone}-ground`] as const,
    ]),
    ['paper', 'link'] as const,
    ['paper', 'bad'] as const,
  ];
  test.each(pairs)('%s on %s has the contrast of WCAG AA, 4.5', (text, surface) => {
    expect(contrast(palette[text] ?? '', palette[surface] ?? '')).toBeGreaterThanOrEqual(4.5);
  });
});

test('the style sheet supports both schemes and requests nothing', () => {
  expect(style).toContain('color-scheme: light dark');
  expect(style).not.toMatch(/url\(|@import|https?:/);
});
