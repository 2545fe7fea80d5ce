import type { BoundedCount } from '../../domain/ports/fleet.ts';

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export function numberText(value: number): string {
  return whole.format(value);
}

/** A count that stopped at its bound has a plus. */
export function countText({ count, isComplete }: BoundedCount): string {
  return `${whole.format(count)}${isComplete ? '' : '+'}`;
}

/** The same for narrow places: `1.2K+`. */
export function shortCount({ count, isComplete }: BoundedCount): string {
  return `${short.format(count)}${isComplete ? '' : '+'}`;
}

/** A count with its noun: `1 grant`, `at least 1,000 grants`. */
export function counted({ count, isComplete }: BoundedCount, one: string, many = `${one}s`): string {
  return `${isComplete ? '' : 'at least '}${whole.format(count)} ${count === 1 && isComplete ? one : many}`;
}
