/** One series of a metrics page. */
export interface ExposedSeries {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface ExposedMetric {
  name: string;
  help: string;
  type: string;
  series: ExposedSeries[];
}

const linePattern = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;
const labelPattern = /(?<name>\w+)="(?<value>(?:[^"\\]|\\.)*)"(?:,|$)/gy;

/** Reads a page in the text format of Prometheus. Throws if a line is none of that format. */
export function readExposition(page: string): ExposedMetric[] {
  const metrics: ExposedMetric[] = [];
  for (const line of page.split('\n').filter((each) => each !== '')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    const last = metrics.at(-1);
    if (keyword === 'HELP') metrics.push({ name, help: rest, type: '', series: [] });
    else if (keyword === 'TYPE' && last?.name === name) last.type = rest;
    else if (last !== undefined) last.series.push(readSeries(line));
    else throw new Error(`A series without a metric: ${line}`);
  }
  return metrics;
}

function readSeries(line: string): ExposedSeries {
  const { name, labels = '', value } = linePattern.exec(line)?.groups ?? {};
  if (name === undefined || value === undefined) throw new Error(`No line of a metrics page: ${line}`);
  const read = [...labels.matchAll(labelPattern)];
  if (read.map(([text]) => text).join('') !== labels) throw new Error(`No labels: ${labels}`);
  return {
    name,
    value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
    labels: Object.fromEntries(read.map(({ groups }) => [groups?.name ?? '', groups?.value ?? ''])),
  };
}

/** Returns all series of a metric, whose labels include these. */
export function seriesOf(page: string, name: string, labels: Record<string, string> = {}): ExposedSeries[] {
  return readExposition(page)
    .flatMap(({ series }) => series)
    .filter(
      (one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    );
}

/** Returns the sum of these series; undefined if there is none. */
export function sumOf(page: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const found = seriesOf(page, name, labels);
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
