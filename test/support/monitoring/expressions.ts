import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { examples } from './prometheus.ts';

interface Alert {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

const read = (file: string) => readFileSync(join(examples, file), 'utf8');

export const alerts = (parse(read('alerts.yml')) as { groups: { rules: Alert[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);

/** Expressions of the dashboard as Grafana sends them, with the title of their panel. */
export const dashboardExpressions = (JSON.parse(read('dashboard.json')) as { panels: Panel[] }).panels.flatMap(
  ({ title, targets = [] }) =>
    targets.map(({ expr }) => [title, expr.replaceAll('$job', 'token-broker').replaceAll('$__rate_interval', '1m')]),
) as [title: string, expression: string][];

export interface UsedMetric {
  name: string;
  labels: string[];
}

const selectorPattern = /\b((?:token_broker|nodejs|process)_\w+|up)\b(?:\{([^}]*(?:\{name\}[^}]*)?)\})?/g;

/** Lists the metrics of an expression with the labels that it selects or groups by. */
export function metricsOf(expression: string): UsedMetric[] {
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/\s*,\s*/));
  return [...expression.matchAll(selectorPattern)].map(([, name = '', matchers = '']) => ({
    name,
    labels: [...[...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label), ...grouped],
  }));
}
