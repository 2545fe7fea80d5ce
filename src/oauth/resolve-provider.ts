import type { ConnectionSettings } from '../domain/connection.ts';
import type { ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { ProviderTemplate, TestProbe } from '../domain/template.ts';
import { refusedBeforeSending } from './network-failure.ts';
import { renderText, renderUrl } from './template-urls.ts';

/** A connection and its template together: every URL in force. The connection's own URL wins over the template's. */
export interface Provider {
  template: ProviderTemplate;
  settings: ConnectionSettings;
  authorizationUrl: string | null;
  tokenUrl: string | null;
  refreshUrl: string | null;
  revocationUrl: string | null;
  probe: TestProbe | null;
  /** Null where nobody knows it. */
  issuer: string | null;
}

/** What a test URL of the connection's own is taken for where no template says more: OpenID Connect Core §5.3.2. */
const ownProbe: Omit<TestProbe, 'url'> = {
  method: 'GET',
  headers: {},
  body: null,
  scopes: [],
  accountId: 'sub',
  accountName: 'name|preferred_username|email',
};

/** Undefined where the catalogue has no such template. */
export function resolveProvider(catalogue: ProviderCatalogue, settings: ConnectionSettings): Provider | undefined {
  const template = catalogue.find(settings.provider);
  if (template === undefined) return undefined;
  const render = (url: string | null | undefined) =>
    url ? (renderUrl(template, settings.variables, url) ?? null) : null;
  const authorizationUrl = settings.authorizationUrl ?? render(template.authorizationUrl);
  const tokenUrl = settings.tokenUrl ?? render(template.tokenUrl);
  return {
    template,
    settings,
    authorizationUrl,
    tokenUrl,
    // A token URL of the connection's own is where everything goes: the template's refresh URL belongs to another host.
    refreshUrl: settings.tokenUrl ?? render(template.refreshUrl) ?? tokenUrl,
    revocationUrl: settings.revocationUrl ?? render(template.revocation?.url),
    probe: probeOf(catalogue, template, settings, authorizationUrl, render),
    issuer: issuerOf(template, settings),
  };
}

export function requireProvider(catalogue: ProviderCatalogue, settings: ConnectionSettings): Provider {
  const provider = resolveProvider(catalogue, settings);
  if (provider === undefined) throw refusedBeforeSending('The provider template of this connection is not known.');
  return provider;
}

/** An endpoint that the call cannot do without. */
export function requireUrl(url: string | null, what: string): string {
  if (url === null) throw refusedBeforeSending(`The connection has no ${what}.`);
  return url;
}

/** The template's issuer speaks for the template's own endpoints only. */
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
  // Only a connection that says nothing of its provider is recognised by where it sends people.
  const detected =
    template.authorizationUrl === null && authorizationUrl !== null ? catalogue.detect(authorizationUrl) : undefined;
  if (!detected?.test) return null;
  const url = renderUrl(detected, {}, detected.test.url);
  return url === undefined ? null : { ...detected.test, url };
}
