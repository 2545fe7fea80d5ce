import type { ConnectionSettings } from '../../domain/connections/connection.ts';
import type { ProviderTemplate, TestProbe } from '../../domain/connections/template.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { refusedBeforeSending } from '../../outbound/network-failure.ts';
import { renderDetectedUrl, renderText, renderUrl } from './template-urls.ts';

/** A connection combined with its template: every URL in force. The connection's own URL replaces the template's. */
export interface Provider {
  template: ProviderTemplate;
  settings: ConnectionSettings;
  authorizationUrl: string | null;
  tokenUrl: string | null;
  refreshUrl: string | null;
  revocationUrl: string | null;
  probe: TestProbe | null;
  /** Issuer identifier; null if it is unknown. */
  issuer: string | null;
}

/** Probe for a connection's own test URL if the template has none: a UserInfo endpoint (OpenID Connect Core §5.3.2). */
const ownProbe: Omit<TestProbe, 'url'> = {
  method: 'GET',
  headers: {},
  tokenHeader: 'authorization',
  tokenScheme: 'Bearer',
  body: null,
  scopes: [],
  accountId: 'sub',
  accountName: 'name|preferred_username|email',
};

/** Returns undefined if the catalogue has no template of that id. */
export function resolveProvider(catalogue: ProviderCatalogue, settings: ConnectionSettings): Provider | undefined {
  const found = catalogue.find(settings.provider);
  if (found === undefined) return undefined;
  const template = withOwnRules(found, settings);
  const render = (url: string | null | undefined) =>
    url ? (renderUrl(template, settings.variables, url) ?? null) : null;
  const authorizationUrl = settings.authorizationUrl ?? render(template.authorizationUrl);
  const tokenUrl = settings.tokenUrl ?? render(template.tokenUrl);
  return {
    template,
    settings,
    authorizationUrl,
    tokenUrl,
    // A connection's own token URL also receives refreshes: the template's refresh URL belongs to another host.
    refreshUrl: settings.tokenUrl ?? render(template.refreshUrl) ?? tokenUrl,
    revocationUrl: settings.revocationUrl ?? render(template.revocation?.url),
    probe: probeOf(catalogue, template, settings, authorizationUrl, render),
    issuer: issuerOf(template, settings),
  };
}

/** Returns the template with the rules that the connection replaces or adds. */
function withOwnRules(template: ProviderTemplate, settings: ConnectionSettings): ProviderTemplate {
  return {
    ...template,
    pkce: settings.pkce ?? template.pkce,
    terminalErrors: [...template.terminalErrors, ...settings.terminalErrors],
    response: { ...template.response, error: settings.errorPath ?? template.response.error },
  };
}

export function requireProvider(catalogue: ProviderCatalogue, settings: ConnectionSettings): Provider {
  const provider = resolveProvider(catalogue, settings);
  if (provider === undefined) throw refusedBeforeSending('The provider template of this connection is not known.');
  return provider;
}

/** Returns the URL, or throws ProviderFailure (refused) if the connection has none. */
export function requireUrl(url: string | null, label: string): string {
  if (url === null) throw refusedBeforeSending(`The connection has no ${label}.`);
  return url;
}

/** Returns the template's issuer if the connection replaces none of the template's endpoints. */
function issuerOf(template: ProviderTemplate, settings: ConnectionSettings): string | null {
  const overridden =
    (settings.authorizationUrl !== null && template.authorizationUrl !== null) ||
    (settings.tokenUrl !== null && template.tokenUrl !== null);
  if (overridden || template.issuer === null) return null;
  return renderText(template, settings.variables, template.issuer) || null;
}

function probeOf(
  catalogue: ProviderCatalogue,
  template: ProviderTemplate,
  settings: ConnectionSettings,
  authorizationUrl: string | null,
  render: (url: string) => string | null,
): TestProbe | null {
  if (settings.testUrl !== null) return { ...(template.test ?? ownProbe), scopes: [], url: settings.testUrl };
  if (template.test !== null) {
    const url = render(template.test.url);
    return url === null ? null : { ...template.test, url };
  }
  // Detection by the authorization URL is limited to templates without one: other templates name their provider.
  if (template.authorizationUrl !== null || authorizationUrl === null) return null;
  const detected = catalogue.detect(authorizationUrl);
  if (!detected?.test) return null;
  const url = renderDetectedUrl(detected, authorizationUrl, detected.test.url);
  return url === undefined ? null : { ...detected.test, url };
}
