import { type FailureClass, ProviderFailure } from '../domain/provider-failure.ts';
import type { ProviderTemplate } from '../domain/template.ts';

/** RFC 6749 §5.2, RFC 8628 §3.5, RFC 8707 §2. A code that is not here, nor in a template, is unknown. */
const classOfError: ReadonlyMap<string, FailureClass> = new Map([
  ['invalid_grant', 'reauthorization'],
  ['invalid_client', 'client'],
  ['unauthorized_client', 'client'],
  ['invalid_scope', 'configuration'],
  ['unsupported_grant_type', 'configuration'],
  ['invalid_target', 'configuration'],
  ['slow_down', 'throttled'],
  ['server_error', 'transient'],
  ['temporarily_unavailable', 'transient'],
]);

type ErrorLists = Pick<ProviderTemplate, 'terminalErrors' | 'clientErrors'>;

/** The one table of what a refusal means. HTTP status outranks body: a 5xx that says invalid_grant is transient. */
export function classify(status: number, oauthError: string | null, template: ErrorLists): FailureClass {
  if (status === 429) return 'throttled';
  if (status >= 500 || status === 404 || status === 408 || (status >= 300 && status < 400)) return 'transient';
  if (oauthError === null) return 'transient';
  if (template.terminalErrors.includes(oauthError)) return 'reauthorization';
  if (template.clientErrors.includes(oauthError)) return 'client';
  return classOfError.get(oauthError) ?? 'unknown';
}

export interface Refusal {
  status: number;
  /** The `error` member as it came. */
  error: unknown;
  retryAfter: string | null;
}

/** A failure from an answer that arrived and granted nothing. */
export function refusalFailure(refusal: Refusal, template: ErrorLists, now: Date): ProviderFailure {
  const oauthError = readErrorCode(refusal.error);
  return new ProviderFailure(
    oauthError === null
      ? `The provider answered with status ${refusal.status}.`
      : `The provider refused: ${oauthError} (status ${refusal.status}).`,
    {
      class: classify(refusal.status, oauthError, template),
      sent: true,
      answered: true,
      oauthError,
      httpStatus: refusal.status,
      retryAfterMs: parseRetryAfter(refusal.retryAfter, now),
    },
  );
}

/** RFC 6749 §5.2's characters, without the space: what passes can be logged and shown. */
export function readErrorCode(value: unknown): string | null {
  return typeof value === 'string' && /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]{1,64}$/.test(value) ? value : null;
}

/** RFC 9110 §10.2.3: seconds or a date. */
function parseRetryAfter(header: string | null, now: Date): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime());
}
