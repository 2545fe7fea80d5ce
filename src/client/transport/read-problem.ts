import { type TokenBrokerError, toError } from '../errors.ts';
import type { NextAction } from '../types/vocabulary.ts';

/** Characters of an unexpected body that the message quotes. */
const quotedLength = 200;
const nextActions: readonly string[] = ['authorize', 'reconfigure', 'wait', 'none'] satisfies NextAction[];

/** Reads the error of a response that is not a success: problem details (RFC 9457), or what a proxy sent instead. */
export async function readProblem(response: Response): Promise<TokenBrokerError> {
  const text = await response.text();
  const { type, title, status, detail, instance, code, next_action, ...members } = parseObject(text);
  const common = {
    status: response.status,
    requestId: textOf(instance) ?? response.headers.get('x-request-id') ?? undefined,
    retryAfter: retryAfterOf(response.headers),
  };
  if (typeof code !== 'string') {
    const message = `The response with status ${response.status} is not one of the broker: ${text.slice(0, quotedLength)}`;
    return toError(message, { ...common, code: 'unexpected_response', nextAction: undefined, members: {} });
  }
  const message = textOf(detail) ?? textOf(title) ?? code;
  return toError(message, { ...common, code, nextAction: nextActionOf(next_action), members });
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Seconds of the Retry-After header, which is a number or a date (RFC 9110 §10.2.3). */
export function retryAfterOf(headers: Headers, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - now) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function nextActionOf(value: unknown): NextAction | undefined {
  return typeof value === 'string' && nextActions.includes(value) ? (value as NextAction) : undefined;
}
