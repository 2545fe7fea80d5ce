import type { ProviderTemplate } from '../domain/template.ts';
import { fullMatch } from './template-schema.ts';

const placeholder = /\{([a-z][a-z0-9_]*)\}/g;

export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(placeholder)].map(([, name]) => name ?? '');
}

export function templateUrls(template: ProviderTemplate): string[] {
  const { authorizationUrl, tokenUrl, refreshUrl, issuer, revocation, test } = template;
  return [authorizationUrl, tokenUrl, refreshUrl, issuer, revocation?.url, test?.url].filter(
    (url) => url !== null && url !== undefined,
  );
}

/** A placeholder's value, checked against its pattern; undefined where there is none or it does not fit. */
export function variableValue(
  template: ProviderTemplate,
  given: Record<string, string>,
  name: string,
): string | undefined {
  const spec = template.variables[name];
  const value = Object.hasOwn(given, name) ? given[name] : spec?.default;
  return spec && value !== undefined && value !== null && fullMatch(spec.pattern, value) ? value : undefined;
}

/** A text with its placeholders filled in; undefined where one has no value. */
export function renderText(
  template: ProviderTemplate,
  given: Record<string, string>,
  text: string,
): string | undefined {
  const names = placeholdersOf(text);
  const values = new Map(names.map((name) => [name, variableValue(template, given, name)]));
  return names.some((name) => values.get(name) === undefined)
    ? undefined
    : text.replace(placeholder, (_, name: string) => values.get(name) ?? '');
}

/**
 * A URL with its placeholders filled in; undefined where one has no value, or where a value changes the URL's shape:
 * it may neither leave its slot (`/ @ # ?` in a host) nor make the host another one once parsed (`0x7f.1`).
 */
export function renderUrl(template: ProviderTemplate, given: Record<string, string>, url: string): string | undefined {
  const [origin = '', authority = ''] = /^https?:\/\/([^/?#]*)/.exec(url) ?? [];
  const host = renderText(template, given, authority);
  const rendered = renderText(template, given, url);
  if (host === undefined || rendered === undefined || !URL.canParse(rendered)) return undefined;
  const parsed = new URL(rendered);
  const keepsHost = parsed.host === host.toLowerCase().replace(/:443$/, '') && /^[a-z0-9.-]+(:\d+)?$/i.test(host);
  const rest = url.slice(origin.length);
  const keepsSlots = placeholdersOf(rest).every(
    (name) => !/[/?#&\\\s]/.test(variableValue(template, given, name) ?? ''),
  );
  const expected = renderText(template, given, rest.startsWith('/') ? rest : `/${rest}`);
  const keepsPath = keepsSlots && parsed.pathname + parsed.search + parsed.hash === expected;
  return keepsHost && keepsPath ? rendered : undefined;
}
