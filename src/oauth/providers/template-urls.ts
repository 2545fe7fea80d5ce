import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { fullMatch } from './template-schema.ts';

const placeholder = /\{([a-z][a-z0-9_]*)\}/g;

export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(placeholder)].map(([, name]) => name ?? '');
}

/** Returns a placeholder's value or default; undefined if it has neither or the value does not match its pattern. */
export function variableValue(
  template: ProviderTemplate,
  variables: Record<string, string>,
  name: string,
): string | undefined {
  const spec = template.variables[name];
  const value = Object.hasOwn(variables, name) ? variables[name] : spec?.default;
  return spec && value !== undefined && value !== null && fullMatch(spec.pattern, value) ? value : undefined;
}

/** Fills in the placeholders of a text; undefined if one has no value. */
export function renderText(
  template: ProviderTemplate,
  variables: Record<string, string>,
  text: string,
): string | undefined {
  const names = placeholdersOf(text);
  const values = new Map(names.map((name) => [name, variableValue(template, variables, name)]));
  return names.some((name) => values.get(name) === undefined)
    ? undefined
    : text.replace(placeholder, (_, name: string) => values.get(name) ?? '');
}

/**
 * Fills in the placeholders of a URL; undefined if one has no value, or if a value changes the shape of the URL.
 * A value may not leave its place (`/ @ # ?` in a host), and parsing may not turn the host into another (`0x7f.1`).
 */
export function renderUrl(
  template: ProviderTemplate,
  variables: Record<string, string>,
  url: string,
): string | undefined {
  const [origin = '', authority = ''] = /^https?:\/\/([^/?#]*)/.exec(url) ?? [];
  const host = renderText(template, variables, authority);
  const rendered = renderText(template, variables, url);
  if (host === undefined || rendered === undefined || !URL.canParse(rendered)) return undefined;
  const parsed = new URL(rendered);
  const keepsHost = parsed.host === host.toLowerCase().replace(/:443$/, '') && /^[a-z0-9.-]+(:\d+)?$/i.test(host);
  const rest = url.slice(origin.length);
  const keepsSeparators = placeholdersOf(rest).every(
    (name) => !/[/?#&\\\s]/.test(variableValue(template, variables, name) ?? ''),
  );
  const expected = renderText(template, variables, rest.startsWith('/') ? rest : `/${rest}`);
  const keepsPath = keepsSeparators && parsed.pathname + parsed.search + parsed.hash === expected;
  return keepsHost && keepsPath ? rendered : undefined;
}

/**
 * Renders a URL of a template that was detected by an authorization URL. Placeholders have their values from that URL: a
 * default would send a token to the host of another tenant. Returns undefined if one has no valid value.
 */
export function renderDetectedUrl(
  template: ProviderTemplate,
  authorizationUrl: string,
  url: string,
): string | undefined {
  const templated = template.authorizationUrl?.split('?')[0] ?? '';
  const names = placeholdersOf(templated);
  const texts = templated.split(/\{[a-z][a-z0-9_]*\}/).map((text) => text.replace(/[^\w/-]/g, '\\$&'));
  const { origin, pathname } = new URL(authorizationUrl);
  const [, ...found] = new RegExp(`^${texts.join('([^/]+)')}$`).exec(origin + pathname) ?? [];
  const values = Object.fromEntries(names.map((name, index) => [name, found[index] ?? '']));
  const isKnown = placeholdersOf(url).every((name) => values[name] !== '');
  return isKnown ? renderUrl(template, values, url) : undefined;
}
