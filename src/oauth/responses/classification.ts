import type { FailureRule, ProviderTemplate } from '../../domain/connections/template.ts';
import { type FailureClass, ProviderFailure } from '../../domain/provider-failure.ts';
import { cleanProviderText } from '../../domain/provider-text.ts';
import type { Secret } from '../../domain/secret.ts';
import type { OutboundResponse } from '../../outbound/http-types.ts';
import { fullMatch } from '../providers/template-schema.ts';
import { valueAt } from '../providers/value-path.ts';
import { type CodeReading, readCodes, repeatsSecret, unreadableCode } from './error-codes.ts';
import { parseResponseBody, type ResponseMembers } from './parse-response-body.ts';
import { parseRetryAfter } from './retry-after.ts';

export type Refusal = Pick<OutboundResponse, 'status' | 'retryAfter' | 'body'>;

export interface RefusalContext {
  template: Pick<ProviderTemplate, 'failures' | 'terminalErrors' | 'clientErrors'> & {
    response: Pick<ProviderTemplate['response'], 'error'>;
  };
  /** Whether a refresh token or access token was to be renewed. Some codes mean something else then. */
  isRefresh: boolean;
  /** Secrets and tokens of the request, which no text may repeat. Absent: the description is not read. */
  sent?: readonly (Secret | string | null)[];
  /** Secrets of a request whose description is not read. The error code may not repeat them. */
  secrets?: readonly (Secret | string | null)[];
  now: Date;
}

export interface Classification {
  class: FailureClass;
  code: string | null;
  /** The template's explanation of this refusal. */
  detail: string | null;
  /** Whether the body states an error, also with a status that grants the request. */
  saysError: boolean;
}

/** Members that hold a description for people, in order. */
const descriptionPaths =
  'error_description|error.message|error.error_description|errors.0.message|errors.message|message|error_message|' +
  'errorMessage|detail|fault.faultstring|reason';
/** Characters of a member that a template's pattern reads. A pattern may take long for a text without end. */
const maxMatchedLength = 2000;
/** Statuses of a gateway that received no valid response of the provider (RFC 9110 §15.6.3, §15.6.5). */
const gatewayStatuses: ReadonlySet<number> = new Set([502, 504]);

/**
 * Classifies every refusal. The template's rules come first. Then the HTTP status outranks the body: a 5xx with
 * invalid_grant is transient. Any other 4xx proves that the endpoint is alive: what is not understood is unknown.
 */
export function classify(refusal: Refusal, context: RefusalContext): Classification {
  const members = readMembers(refusal.body);
  const { template, isRefresh } = context;
  const read: CodeReading =
    members === null
      ? { class: null, code: null, saysError: false }
      : readCodes(members, template.response.error, template, isRefresh);
  const rule = template.failures.find((each) => applies(each, refusal.status, members));
  if (rule !== undefined) return { class: rule.class, code: read.code, detail: rule.detail, saysError: true };
  const found =
    classOfStatus(refusal.status) ?? read.class ?? (isUnreadable(refusal.body, members) ? 'transient' : 'unknown');
  return { class: found, code: read.code, detail: null, saysError: read.saysError };
}

/** Builds the failure for a response that arrived and granted nothing. */
export function refusalFailure(refusal: Refusal, context: RefusalContext): ProviderFailure {
  const { status } = refusal;
  const { class: failureClass, code: sentCode, detail } = classify(refusal, context);
  const secrets = [...(context.sent ?? []), ...(context.secrets ?? []), ...tokensIn(refusal.body)];
  const code = sentCode !== null && repeatsSecret(sentCode, secrets) ? unreadableCode : sentCode;
  const said =
    code === null
      ? `The provider answered with status ${status}.`
      : `The provider refused: ${code} (status ${status}).`;
  return new ProviderFailure(detail === null ? said : `${said} ${detail}`, {
    class: failureClass,
    sent: true,
    // A gateway speaks for itself: the provider behind it may have granted the request.
    ...(gatewayStatuses.has(status) ? { answered: false, lost: true } : { answered: true }),
    oauthError: code,
    description: readDescription(refusal.body, context.sent),
    httpStatus: status,
    retryAfterMs: parseRetryAfter(refusal.retryAfter, context.now),
  });
}

/** Class by status alone; null if the body decides. */
function classOfStatus(status: number): FailureClass | null {
  if (status === 429) return 'throttled';
  return status >= 500 || status === 408 || (status >= 300 && status < 400) ? 'transient' : null;
}

/** Checks whether the body is a page, broke off or could not be decoded: then something else than the provider spoke. */
function isUnreadable(body: string | null, members: ResponseMembers | null): boolean {
  return body === null || (members === null && /^\s*[<{[]/.test(body));
}

function applies(rule: FailureRule, status: number, members: ResponseMembers | null): boolean {
  if (rule.status !== null && rule.status !== status) return false;
  if (rule.path === null) return true;
  const value = members === null ? undefined : valueAt(members, rule.path);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  if (rule.equals !== null) return String(value) === String(rule.equals);
  return rule.matches === null || fullMatch(rule.matches, String(value).slice(0, maxMatchedLength));
}

function readDescription(body: string | null, sent: RefusalContext['sent']): string | null {
  const members = sent === undefined ? null : readMembers(body);
  if (sent === undefined || members === null) return null;
  const text = valueAt(members, descriptionPaths);
  return typeof text === 'string' ? cleanProviderText(text, [...sent, ...tokensIn(body)]) : null;
}

/** Returns the tokens that the body of a refusal brought along. */
function tokensIn(body: string | null): string[] {
  const members = readMembers(body);
  return ['access_token', 'refresh_token', 'id_token'].flatMap((name) => {
    const value = members?.[name];
    return typeof value === 'string' ? [value] : [];
  });
}

/** Reads the members of a body. A list of errors alone counts as the member `errors`. */
function readMembers(body: string | null): ResponseMembers | null {
  if (body === null || !/^\s*\[/.test(body)) return parseResponseBody(body);
  try {
    return { errors: JSON.parse(body) };
  } catch {
    return null;
  }
}
