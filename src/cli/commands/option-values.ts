import { InvalidArgumentError, Option } from 'commander';
import type { Flow, GrantStatus } from '../../client/types/vocabulary.ts';

/** Adds a `name=value` to those before it. */
export function collectPairs(pair: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be name=value.');
  return { ...previous, [pair.slice(0, at)]: pair.slice(at + 1) };
}

/** Marks the source of a secret, so that it cannot be taken for the secret. */
export interface SecretSource {
  /** Path of a file, or - for stdin. */
  file: string;
}

export function secretSource(file: string): SecretSource {
  return { file };
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** Reads seconds: `90`, `15min`, `2h`, `7d`. */
export function duration(text: string): number {
  const [, amount, unit = 's'] = /^(\d{1,9})(s|m|min|h|d)?$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('It must be a duration, such as 90, 15min, 2h or 7d.');
  return Number(amount) * (secondsOf[unit] ?? 1);
}

/** Reads a time: ISO 8601, or a duration before now. */
export function pastTime(text: string): string {
  return timeOf(text, -1);
}

/** Reads a time: ISO 8601, or a duration from now. */
export function futureTime(text: string): string {
  return timeOf(text, 1);
}

function timeOf(text: string, direction: 1 | -1): string {
  if (/^\d+(s|m|min|h|d)$/.test(text)) return new Date(Date.now() + direction * duration(text) * 1000).toISOString();
  const at = Date.parse(text);
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError('It must be a time, such as 2026-01-31T12:00:00Z, or a duration, such as 2h.');
  }
  return new Date(at).toISOString();
}

/** Reads a list with spaces or commas. */
export function list(text: string): string[] {
  return text.split(/[\s,]+/).filter((item) => item !== '');
}

const statuses = ['not_connected', 'waiting_callback', 'testing', 'completed', 'failed'] satisfies GrantStatus[];
const flows = ['authorization_code', 'client_credentials', 'refresh_token'] satisfies Flow[];

/** Options with a closed set of values, which a shell completes. */
export const statusOption = () => new Option('--status <status>', 'only those with this status').choices(statuses);
export const flowOption = (description: string) => new Option('--flow <type>', description).choices(flows);
export const outcomeOption = () => new Option('--outcome <outcome>').choices(['success', 'failure']);
