import type { FailureRule, ProviderTemplate } from '../../../src/domain/connections/template.ts';
import type { FailureClass } from '../../../src/domain/provider-failure.ts';
import { alternativesOf, type Members, readAt, setAt } from './members.ts';
import { textLike } from './registration.ts';

export interface Refusal {
  label: string;
  status: number;
  body: Members;
  headers: Record<string, string>;
  class: FailureClass;
}

/** Lists a refusal for each rule and each code of the template, and the standard ones that it does not change. */
export function refusalsOf(template: ProviderTemplate): Refusal[] {
  const { failures, terminalErrors, clientErrors } = template;
  return [
    ...failures.flatMap((rule, index) => refusalsByRule(template, rule, `failures.${index}`)),
    ...terminalErrors.flatMap((code) => refusalsWithCode(template, code, 'reauthorization')),
    ...clientErrors.flatMap((code) => refusalsWithCode(template, code, 'client')),
    ...standardRefusals.filter(({ status, body }) => !failures.some((rule) => applies(rule, status, body))),
  ];
}

const standardRefusals: Refusal[] = [
  { label: 'invalid_grant', status: 400, body: { error: 'invalid_grant' }, headers: {}, class: 'reauthorization' },
  { label: 'invalid_client', status: 401, body: { error: 'invalid_client' }, headers: {}, class: 'client' },
  { label: 'status 429', status: 429, body: {}, headers: { 'retry-after': '7' }, class: 'throttled' },
  { label: 'status 503', status: 503, body: { error: 'invalid_grant' }, headers: {}, class: 'transient' },
];

function refusalsByRule(template: ProviderTemplate, rule: FailureRule, label: string): Refusal[] {
  const value = rule.equals ?? (rule.matches === null ? 'anything' : textLike(rule.matches));
  const places = rule.path === null ? [null] : alternativesOf(rule.path);
  return places.map((place) => {
    const body: Members = {};
    if (place !== null) setAt(body, place, value);
    return { label, ...refusing(template, rule.status, body), headers: {}, class: rule.class };
  });
}

/** Places a code at each alternative of the template's error path. A code of digits is a number there. */
function refusalsWithCode(template: ProviderTemplate, code: string, failureClass: FailureClass): Refusal[] {
  return alternativesOf(template.response.error ?? 'error').map((place) => {
    const body: Members = {};
    setAt(body, place, /^\d{1,15}$/.test(code) ? Number(code) : code);
    return { label: code, ...refusing(template, null, body), headers: {}, class: failureClass };
  });
}

/** Refuses a revocation, with status 200 if the provider has a success test. */
export function refusedRevocation(
  template: ProviderTemplate,
): [status: number, body: Members, failureClass: FailureClass] {
  if (template.response.success === null) return [503, {}, 'transient'];
  const { status, body } = refusing(template, null, {});
  return [status, body, 'unknown'];
}

/** A provider with a success test refuses with status 200. */
function refusing({ response: { success } }: ProviderTemplate, status: number | null, body: Members) {
  if (success !== null && (status === null || status === 200)) {
    const { equals } = success;
    setAt(
      body,
      success.path,
      typeof equals === 'boolean' ? !equals : typeof equals === 'number' ? equals + 1 : `not-${equals}`,
    );
  }
  return { status: status ?? (success === null ? 400 : 200), body };
}

function applies(rule: FailureRule, status: number, body: Members): boolean {
  const value = rule.path === null ? undefined : readAt(body, rule.path);
  return (
    (rule.status === null || rule.status === status) &&
    (rule.path === null ||
      (value !== undefined &&
        (rule.equals === null || String(rule.equals) === String(value)) &&
        (rule.matches === null || new RegExp(`^(?:${rule.matches.slice(1, -1)})$`).test(String(value)))))
  );
}
