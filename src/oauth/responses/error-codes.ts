import type { ProviderTemplate } from '../../domain/connections/template.ts';
import type { FailureClass } from '../../domain/provider-failure.ts';
import type { Secret } from '../../domain/secret.ts';
import { valueAt } from '../providers/value-path.ts';
import type { ResponseMembers } from './parse-response-body.ts';

/** Lists of a template or connection that say what its error codes mean. */
export type CodeLists = Pick<ProviderTemplate, 'terminalErrors' | 'clientErrors'>;

/** Members that may hold an error code, in order. Names without an index also stand for each element of a list. */
const codePaths = [
  'error',
  'error.code',
  'error.type',
  'errors[].code',
  'errors[].errorType',
  'errors[].error',
  'code',
  'status',
  'error_code',
  'fault.code',
  'fault.faultcode',
  'fault.detail.errorcode',
  'fault.faultstring',
];
/** Members that hold a text for people. It counts as a code only if no other member does, and only as a whole. */
const messagePaths = ['message'];
/** Longest text that may be a code. Prose is longer. */
const maxCodeLength = 100;

/** Standard error codes (RFC 6749 §5.2, RFC 8628 §3.5, RFC 8707 §2). */
const standardCodes = table({
  reauthorization: ['invalid_grant'],
  client: ['invalid_client', 'unauthorized_client'],
  configuration: ['invalid_scope', 'unsupported_grant_type', 'invalid_target', 'invalid_resource'],
  throttled: ['slow_down'],
  transient: ['server_error', 'temporarily_unavailable'],
});

/**
 * Codes with another meaning in the response to a refresh. Only the grant can have caused them: the same client has
 * obtained the token. The second half are synonyms of invalid_grant that providers use; the list is closed.
 */
const refreshCodes = table({
  reauthorization: [
    'unauthorized_client',
    'access_denied',
    'interaction_required',
    'consent_required',
    'login_required',
    'invalid_refresh_token',
    'refresh_token_expired',
    'refresh_token_revoked',
    'bad_refresh_token',
    'token_expired',
    'expired_token',
    'token_revoked',
    'invalid_token',
    'token_invalid',
    'invalid_code',
    'authorization_revoked',
    'invalid_auth',
    'token_rejected',
    'user_revoked',
  ],
});

/** Codes by which a structured error says that the member it names is no longer good. */
const deadMemberCodes = new Set(['invalid', 'expired', 'revoked', 'notfound']);

export interface CodeReading {
  /** Class of the first code that is understood; null if none is. */
  class: FailureClass | null;
  /** The code that decided, else the first one; null if there is none that is safe to log and show. */
  code: string | null;
  /** Whether a member that holds errors only has a value: `status` and `message` also stand in successful responses. */
  saysError: boolean;
}

/** Finds the error code of a refusal and its meaning. Codes are compared as whole values, never as parts of prose. */
export function readCodes(
  members: ResponseMembers,
  errorPath: string | null,
  lists: CodeLists,
  isRefresh: boolean,
): CodeReading {
  const classes = classesFor(lists, isRefresh);
  const stated = errorPath === null ? [] : codesOf([valueAt(members, errorPath)]);
  const coded = [...stated, ...codePaths.flatMap((path) => codesAt(members, path))];
  const saysError = stated.length > 0 || ['error', 'errors'].some((name) => (members[name] ?? null) !== null);
  if (isRefresh && namesRefreshToken(members)) {
    return { class: 'reauthorization', code: readable(coded), saysError: true };
  }
  for (const code of [...coded, ...messagePaths.flatMap((path) => codesAt(members, path))]) {
    const found = classes.get(keyOf(code));
    if (found !== undefined) return { class: found, code: readable([code]), saysError: true };
  }
  return { class: null, code: readable(coded), saysError };
}

/** Returns the error code if it is safe to log and show: at most 64 characters of RFC 6749 §5.2, without spaces. */
export function readErrorCode(value: unknown): string | null {
  return typeof value === 'string' && /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]{1,64}$/.test(value) ? value : null;
}

/** Stands for a code that may not be shown. */
export const unreadableCode = 'unreadable_error';

/** Characters that a code and a secret must share unless they are equal. Fewer may be an ordinary word, such as `secret`. */
const minSharedCharacters = 16;

/** Tells whether a code is a secret, or shares a long part with one. Compared in the spelling in which codes are shown. */
export function repeatsSecret(code: string, secrets: readonly (Secret | string | null)[]): boolean {
  const key = keyOf(code);
  return secrets.some((secret) => {
    const value = keyOf(secret === null ? '' : typeof secret === 'string' ? secret : secret.reveal());
    const [long, short] = key.length > value.length ? [key, value] : [value, key];
    return short !== '' && (long === short || (short.length >= minSharedCharacters && long.includes(short)));
  });
}

function classesFor({ terminalErrors, clientErrors }: CodeLists, isRefresh: boolean): Map<string, FailureClass> {
  return new Map([
    ...standardCodes,
    ...(isRefresh ? refreshCodes : []),
    ...table({ client: clientErrors, reauthorization: terminalErrors }),
  ]);
}

function table(codes: Partial<Record<FailureClass, readonly string[]>>): [string, FailureClass][] {
  return (Object.keys(codes) as FailureClass[]).flatMap((failureClass) =>
    (codes[failureClass] ?? []).map((code): [string, FailureClass] => [keyOf(code), failureClass]),
  );
}

/** Code without case and punctuation: `Invalid refresh token`, `invalidRefreshToken` and `INVALID_REFRESH_TOKEN` match. */
function keyOf(code: string): string {
  return code.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

function codesAt(members: ResponseMembers, path: string): string[] {
  const [list, member] = path.split('[].');
  if (list === undefined || member === undefined) return codesOf([valueAt(members, path)]);
  return codesOf(elementsOf(members[list]).map((element) => valueAt(element, member)));
}

function elementsOf(list: unknown): unknown[] {
  if (Array.isArray(list)) return list.slice(0, 20);
  return list === undefined || list === null ? [] : [list];
}

function codesOf(values: readonly unknown[]): string[] {
  return values.flatMap((value) => {
    if (typeof value === 'number') return [String(value)];
    return typeof value === 'string' && value !== '' && value.length <= maxCodeLength ? [value] : [];
  });
}

/** Recognizes `{"errors":[{"resource":"RefreshToken","field":"refresh_token","code":"invalid"}]}`. */
function namesRefreshToken(members: ResponseMembers): boolean {
  return elementsOf(members.errors).some((error) => {
    const texts = ['resource', 'field', 'code'].map((name) => codesOf([valueAt(error, name)]).map(keyOf)[0]);
    const [resource, field, code = ''] = texts;
    return [resource, field].includes('refreshtoken') && deadMemberCodes.has(code);
  });
}

/** Returns the first code as it may be shown. A text of words is written in snake_case. A bare number comes last. */
function readable(codes: readonly string[]): string | null {
  const words = codes.filter((code) => !/^\d+$/.test(code));
  for (const code of [...words, ...codes]) {
    const shown = readErrorCode(code) ?? (/^[\w .,:;'!?()/-]+$/.test(code) ? readErrorCode(snakeCase(code)) : null);
    if (shown !== null) return shown;
  }
  return null;
}

function snakeCase(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}
