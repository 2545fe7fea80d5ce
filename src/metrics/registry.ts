import {
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValueWithName,
  Registry,
} from '@prometheus-io/client';
import type { Cells } from './cells.ts';
import type { Durations } from './durations.ts';

/** One series: label values in the order of the labels, and its value. */
export type Series = readonly [labels: readonly string[], value: number];

export interface Described {
  name: string;
  help: string;
  labels?: readonly string[];
}

/** Metrics that are filled when they are read. */
export interface Metrics {
  registry: Registry;
  counter(described: Described, read: () => Iterable<Series>): void;
  /** No series at all are shown while `read` returns none: an unknown state is left out. */
  gauge(described: Described, read: () => Iterable<Series>): void;
  histogram(described: Described, bounds: readonly number[], cells: Cells<Durations>): void;
}

export function createRegistry(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    counter({ name, help, labels = [] }, read) {
      new Counter({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          this.reset();
          for (const [values, value] of read()) this.inc(labelled(labels, values), value);
        },
      });
    },
    gauge({ name, help, labels = [] }, read) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          this.reset();
          // A metric without labels starts at 0, which an unknown value is not.
          if (labels.length === 0) this.remove();
          for (const [values, value] of read()) this.set(labelled(labels, values), value);
        },
      });
    },
    histogram({ name, help, labels = [] }, bounds, cells) {
      const read = () => [...cells.entries()].flatMap((entry) => histogramValues(name, labels, bounds, entry));
      new CountedHistogram({ name, help, labelNames: [...labels], buckets: [...bounds], registers }, read);
    },
  };
}

/** One series without labels; none if the value is unknown. */
export function one(value: number | null | undefined): Series[] {
  return value === null || value === undefined ? [] : [[[], value]];
}

function labelled(labels: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, n) => [label, values[n] ?? '']));
}

type HistogramValue = MetricValueWithName<string>;

function histogramValues(
  name: string,
  labels: readonly string[],
  bounds: readonly number[],
  [values, { counts, count, sum }]: readonly [readonly string[], Durations],
): HistogramValue[] {
  const own = labelled(labels, values);
  let below = 0;
  const buckets = bounds.map((le, n) => {
    below += counts[n] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...own, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...own, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels: own, value: sum },
    { metricName: `${name}_count`, labels: own, value: count },
  ];
}

/** A histogram of durations that were counted outside the library, which can only observe them one by one. */
class CountedHistogram extends Histogram<string> {
  readonly #configuration: { name: string; help: string };
  readonly #read: () => HistogramValue[];

  constructor(
    configuration: { name: string; help: string; labelNames: string[]; buckets: number[]; registers: Registry[] },
    read: () => HistogramValue[],
  ) {
    super(configuration);
    this.#configuration = configuration;
    this.#read = read;
  }

  override async get(): Promise<MetricObjectWithValues<HistogramValue>> {
    const { name, help } = this.#configuration;
    return { name, help, type: 'histogram', aggregator: 'sum', collect: () => undefined, values: this.#read() };
  }

  /** The registry prefers this over `get`. */
  getForPromString(): Promise<MetricObjectWithValues<HistogramValue>> {
    return this.get();
  }
}
