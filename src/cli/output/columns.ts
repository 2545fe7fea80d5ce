import stringWidth from 'fast-string-width';
import { cleanText } from './clean-text.ts';
import type { Style } from './style.ts';

export interface Column<Item> {
  title: string;
  /** Text of a cell. It may come from a provider: the printer removes control characters. */
  text: (item: Item) => string | number | boolean | null | undefined;
  format?: ((item: Item) => Parameters<Style>[0] | undefined) | undefined;
}

/** Lines of a table with aligned columns. The width counts cells of the terminal: a Chinese character takes two. */
export function tableLines<Item>(items: readonly Item[], columns: readonly Column<Item>[], style: Style): string[] {
  const cells = items.map((item) => columns.map(({ text }) => cellText(text(item))));
  const widths = columns.map(({ title }, index) =>
    cells.reduce((width, row) => Math.max(width, stringWidth(row[index] ?? '')), stringWidth(title)),
  );
  const line = (texts: readonly string[], formats: readonly (Parameters<Style>[0] | undefined)[]) =>
    texts
      .map((text, index) => {
        const isLast = index === texts.length - 1;
        const padding = isLast ? '' : ' '.repeat((widths[index] ?? 0) - stringWidth(text) + 2);
        const format = formats[index];
        return (format === undefined ? text : style(format, text)) + padding;
      })
      .join('');
  return [
    line(
      columns.map(({ title }) => title),
      columns.map(() => 'bold' as const),
    ),
    ...cells.map((row, index) => {
      const item = items[index];
      return line(
        row,
        columns.map(({ format }) => (item === undefined ? undefined : format?.(item))),
      );
    }),
  ];
}

function cellText(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined || value === '') return '-';
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : cleanText(String(value));
}

/** Lines of `name  value`, aligned. A value with several lines continues below its first. */
export function factLines(facts: readonly (readonly [name: string, value: unknown])[], style: Style): string[] {
  const width = facts.reduce((most, [name]) => Math.max(most, stringWidth(name)), 0);
  return facts.flatMap(([name, value]) => {
    const [first = '-', ...more] = (Array.isArray(value) && value.length > 0 ? value : [value]).map(factText);
    const start = style('dim', name) + ' '.repeat(width - stringWidth(name) + 2);
    return [start + first, ...more.map((text) => ' '.repeat(width + 2) + text)];
  });
}

function factText(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return cleanText(JSON.stringify(value));
  return cellText(Array.isArray(value) ? value.join(' ') : (value as string | number | boolean | null | undefined));
}
