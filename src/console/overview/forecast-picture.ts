import { type BoundedCount, type ForecastPeriod, forecastMeasures } from '../../domain/ports/fleet.ts';
import { html, type Markup } from '../../markup/html.ts';
import { counted, shortCount } from '../layout/numbers.ts';

export interface Picture {
  /** Unique on the page: ids of the picture begin with it. */
  id: string;
  title: string;
  periods: readonly ForecastPeriod[];
  /** Labels below the edges of periods, by index. The end of the last period has the index `periods.length`. */
  edges: Readonly<Record<number, string>>;
}

/** Heights in pixels, from the top: signs of dying tokens, bars above the line, bars below it, labels. */
const top = 44;
const reach = 70;
const line = top + reach;
const bottom = line + reach;
const height = bottom + 40;
/** Periods whose numbers have room on a phone. */
const maxNumbered = 10;
/** Lowest bar that a person sees. */
const lowest = 2;
/** Share of a period that its bar is wide. */
const barShare = 0.7;

/**
 * Draws periods: access tokens that expire stand on the line, refreshes hang below it, and a triangle above hatching marks
 * a refresh token that dies. Widths are shares, so that texts keep their size on any screen. Holds no inline style.
 */
export function forecastPicture({ id, title, periods, edges }: Picture): Markup {
  const most = Math.max(1, ...periods.flatMap((each) => [each.accessTokensExpiring.count, each.refreshes.count]));
  const width = 100 / periods.length;
  return html`<svg class="forecast${periods.length > maxNumbered ? ' many' : null}" width="100%" height="${height}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title>
<desc id="${id}-text">${periods.length} periods. ${summary(periods)}</desc>
<defs><pattern id="${id}-dies" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="2" height="6"/></pattern></defs>
${periods.map((period, at) => column({ period, x: at * width, width, most, hatch: `url(#${id}-dies)` }))}<line class="axis" x1="0" x2="100%" y1="${line}" y2="${line}"/>
${Object.entries(edges).map(([at, label]) => edge(Number(at) * width, label))}</svg>`;
}

interface ColumnOfPeriod {
  period: ForecastPeriod;
  /** Shares of the width in percent. */
  x: number;
  width: number;
  most: number;
  hatch: string;
}

function column({ period, x, width, most, hatch }: ColumnOfPeriod): Markup {
  const { accessTokensExpiring, refreshes, refreshTokensDying } = period;
  const middle = percent(x + width / 2);
  const barX = percent(x + (width * (1 - barShare)) / 2);
  const barWidth = percent(width * barShare);
  const heightOf = ({ count }: BoundedCount) =>
    count === 0 ? 0 : Math.max(lowest, Math.round((count / most) * reach));
  const bar = (name: string, count: BoundedCount, y: number) =>
    count.count === 0
      ? null
      : html`<rect class="${name}" x="${barX}" y="${y}" width="${barWidth}" height="${heightOf(count)}"/>`;
  const number = (name: string, count: BoundedCount, y: number) =>
    count.count === 0 ? null : html`<text class="number ${name}" x="${middle}" y="${y}">${shortCount(count)}</text>`;
  const above = line - heightOf(accessTokensExpiring);
  const dies =
    refreshTokensDying.count === 0
      ? null
      : html`<rect x="${barX}" y="${top - 14}" width="${barWidth}" height="${line - top + 14}" fill="${hatch}"/><svg x="${middle}" y="${top - 28}" overflow="visible"><path class="dying" d="M-7 0 H7 L0 12 Z"/></svg>`;
  return html`<g><title>${periodText(period)}</title>${dies}<rect class="whole" x="${percent(x)}" y="0" width="${percent(width)}" height="${bottom}"/>${bar('expiring', accessTokensExpiring, above)}${bar('refreshing', refreshes, line)}${number('of-expiring', accessTokensExpiring, above - 4)}${number('of-refreshing', refreshes, line + heightOf(refreshes) + 13)}${number('of-dying', refreshTokensDying, 11)}</g>
`;
}

function edge(x: number, label: string): Markup {
  const place = x === 0 ? 'first' : x >= 99.9 ? 'last' : 'middle';
  return html`<text class="edge ${place}" x="${percent(x)}" y="${height - 6}">${label}</text>`;
}

/** The numbers of one period, in words. */
export function periodText({ accessTokensExpiring, refreshes, refreshTokensDying }: Numbers): string {
  return [
    counted(accessTokensExpiring, 'access token expires', 'access tokens expire'),
    counted(refreshes, 'refresh', 'refreshes'),
    counted(refreshTokensDying, 'refresh token dies', 'refresh tokens die'),
  ].join(', ');
}

type Numbers = Omit<ForecastPeriod, 'from' | 'to'>;

function summary(periods: readonly ForecastPeriod[]): string {
  return `In all: ${periodText(totals(periods))}.`;
}

/** Adds the numbers of all periods. */
export function totals(periods: readonly ForecastPeriod[]): Numbers {
  const sum = (each: (typeof forecastMeasures)[number]): BoundedCount => ({
    count: periods.reduce((total, period) => total + period[each].count, 0),
    isComplete: periods.every((period) => period[each].isComplete),
  });
  return {
    accessTokensExpiring: sum('accessTokensExpiring'),
    refreshes: sum('refreshes'),
    refreshTokensDying: sum('refreshTokensDying'),
  };
}

/** Says whether anything happens in the periods. */
export function isStill(periods: readonly ForecastPeriod[]): boolean {
  return periods.every((period) => forecastMeasures.every((each) => period[each].count === 0));
}

function percent(value: number): string {
  return `${Number(value.toFixed(3))}%`;
}
