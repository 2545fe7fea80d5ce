import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProviderTemplate } from '../../../../src/domain/connections/template.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { resolveProvider } from '../../../../src/oauth/providers/resolve-provider.ts';
import { settingsFaults } from '../../../../src/oauth/providers/settings-faults.ts';
import { placeholdersOf, renderUrl } from '../../../../src/oauth/providers/template-urls.ts';
import { outboundUrlFault } from '../../../../src/outbound/outbound-url.ts';
import { someSettings } from '../../../support/builders/connection.ts';

const catalogue = createCatalogue();

/** Templates with a value for each variable without a default. */
const shipped: [id: string, variables?: Record<string, string>][] = [
  ['generic'],
  ['google'],
  ['google-gmail'],
  ['google-calendar'],
  ['google-drive'],
  ['youtube'],
  ['google-search-console'],
  ['microsoft-entra-graph'],
  ['microsoft-csp-partner-center'],
  ['notion'],
  ['slack'],
  ['bing-webmaster'],
  ['wordpress-com'],
  ['wix', { instance_id: '8f1b7a52-0c1e-4f0a-9c58-2b5a8f0c7d11' }],
  ['halopsa', { host: 'acme.halopsa.com', tenant: 'acme' }],
  ['github'],
  ['gitlab'],
  ['atlassian-jira'],
  ['salesforce'],
  ['hubspot'],
  ['zoom'],
  ['dropbox'],
  ['box'],
  ['xero'],
  ['quickbooks'],
  ['shopify', { shop: 'acme' }],
  ['stripe-connect'],
  ['linkedin'],
  ['x-twitter'],
  ['facebook'],
  ['discord'],
  ['asana'],
  ['linear'],
  ['airtable'],
  ['zoho'],
  ['servicenow', { host: 'acme.service-now.com' }],
  ['zendesk', { sub: 'acme' }],
  ['docusign'],
  ['spotify'],
  ['twitch'],
  ['auth0', { domain: 'acme.eu.auth0.com' }],
  ['okta', { domain: 'acme.okta.com' }],
];

function shippedTemplate(id: string): ProviderTemplate {
  const template = catalogue.find(id);
  if (template === undefined) throw new Error(`There is no template ${id}.`);
  return template;
}

function urlsOf({ authorizationUrl, tokenUrl, refreshUrl, revocation, test: probe }: ProviderTemplate): string[] {
  const urls = [authorizationUrl, tokenUrl, refreshUrl, revocation?.url, probe?.url];
  return urls.filter((url) => url !== null && url !== undefined);
}

describe('the shipped templates', () => {
  test('are the listed ones', () => {
    const ids = shipped.map(([id]) => shippedTemplate(id).id);
    expect(new Set(catalogue.list().map(({ id }) => id))).toEqual(new Set(ids));
  });

  test.each(shipped)(
    '%s: each URL is https and may be called, once its variables have values',
    (id, variables = {}) => {
      const template = shippedTemplate(id);
      for (const url of urlsOf(template)) {
        const rendered = renderUrl(template, variables, url);
        expect(rendered).toMatch(/^https:\/\/[^\s{}]+$/);
        expect(rendered && outboundUrlFault(rendered, false)).toBeNull();
      }
    },
  );

  test.each(shipped)('%s: a connection with only the required fields has no fault', (id, variables = {}) => {
    const { flows, authorizationUrl, tokenUrl, defaultScopes } = shippedTemplate(id);
    const isInteractive = flows.includes('authorization_code');
    const settings = someSettings({
      provider: id,
      flow: isInteractive ? 'authorization_code' : 'client_credentials',
      variables,
      scopes: [...defaultScopes],
      authorizationUrl: authorizationUrl === null && isInteractive ? 'https://provider.example/authorize' : null,
      tokenUrl: tokenUrl === null ? 'https://provider.example/token' : null,
    });
    expect(settingsFaults(catalogue, { urlFault: (url) => outboundUrlFault(url, false) }, settings)).toEqual([]);
  });

  test.each(shipped)('%s: tells a person how to register a client, and what a revocation ends', (id) => {
    const { setupNotes, revocation, revocationEnds, tokenAuthMethod } = shippedTemplate(id);
    expect(setupNotes.length).toBeGreaterThan(0);
    expect(new Set(setupNotes).size).toBe(setupNotes.length);
    if (revocation !== null) expect(revocationEnds).not.toBeNull();
    expect(tokenAuthMethod).toMatch(/^client_secret_/);
  });

  test.each(shipped)('%s: each of its variables has a use', (id) => {
    const template = shippedTemplate(id);
    const texts = [
      ...urlsOf(template),
      template.issuer ?? '',
      ...Object.values({ ...template.authorizeParams, ...template.tokenParams, ...template.refreshParams }),
    ];
    const used = new Set(texts.flatMap(placeholdersOf));
    expect(Object.keys(template.variables).filter((name) => !used.has(name))).toEqual([]);
  });

  test('are listed in the README', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../../../README.md'), 'utf8');
    const [table = ''] = /\| shipped templates \|[\s\S]*?\n\n/.exec(readme) ?? [];
    const listed = [...table.matchAll(/`([a-z0-9-]+)`/g)].map(([, id]) => id).filter((id) => id !== 'provider');
    const ids = catalogue.list().flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(listed.toSorted()).toEqual(ids.toSorted());
  });

  test('contain no value marked as unverified', () => {
    expect(JSON.stringify(catalogue.list())).not.toMatch(/"[^"]*\? ?(\([^"]*\))?"/);
  });

  test('have no alias of a scope that is itself an alias, and no code that two lists claim', () => {
    for (const { id, scopeAliases, terminalErrors, clientErrors } of catalogue.list()) {
      const aliases = Object.keys(scopeAliases);
      expect(
        Object.values(scopeAliases).filter((name) => aliases.includes(name)),
        id,
      ).toEqual([]);
      expect(
        terminalErrors.filter((code) => clientErrors.includes(code)),
        id,
      ).toEqual([]);
    }
  });

  test('an alias finds the template under its own id', () => {
    expect(catalogue.find('microsoft-entra-graph')).toBe(catalogue.find('microsoft-graph'));
    expect(catalogue.find('microsoft-graph')?.id).toBe('microsoft-graph');
  });
});

describe('detection of the provider by the authorization URL', () => {
  test.each(shipped)('%s: its own authorization URL leads to it, or to the template of its family', (id, variables) => {
    const template = shippedTemplate(id);
    const { authorizationUrl } = template;
    const url = authorizationUrl === null ? undefined : renderUrl(template, variables ?? {}, authorizationUrl);
    if (url === undefined) return;
    const detected = catalogue.detect(url);
    if (template.detect.length > 0) expect(detected).toBe(template);
    else expect(detected?.tokenUrl).toBe(template.tokenUrl);
  });

  test('no host belongs to two templates', () => {
    const hosts = catalogue.list().flatMap(({ detect }) => detect);
    expect(hosts.filter((host, index) => hosts.indexOf(host) !== index)).toEqual([]);
  });

  test('compares whole hosts', () => {
    expect(catalogue.detect('https://accounts.google.com/o/oauth2/v2/auth?x=1')?.id).toBe('google');
    expect(catalogue.detect('https://deep.acme.okta.com/oauth2/v1/authorize')?.id).toBe('okta');
    const others = ['https://accounts.google.com.evil.example/', 'https://evil.example/accounts.google.com', ''];
    for (const url of [...others, 'nonsense', 'https://okta.com/', 'https://notzendesk.com/']) {
      expect(catalogue.detect(url), url).toBeUndefined();
    }
  });

  test.each([
    ['https://acme.zendesk.com/oauth/authorizations/new?x=1', 'https://acme.zendesk.com/api/v2/users/me.json'],
    ['https://test.salesforce.com/services/oauth2/authorize', 'https://test.salesforce.com/services/oauth2/userinfo'],
    ['https://gitlab.com/oauth/authorize', 'https://gitlab.com/api/v4/user'],
    ['https://accounts.zoho.eu/oauth/v2/auth', 'https://accounts.zoho.eu/oauth/user/info'],
    ['https://login.microsoftonline.com/organizations/oauth2/authorize', 'https://graph.microsoft.com/v1.0/me'],
    ['https://accounts.google.com/o/oauth2/auth', 'https://openidconnect.googleapis.com/v1/userinfo'],
    ['https://account-d.docusign.com/oauth/auth', 'https://account-d.docusign.com/oauth/userinfo'],
    // Another path may belong to another tenant: the token stays where it is.
    ['https://acme.okta.com/oauth2/default/v1/authorize', undefined],
    ['https://a.b.zendesk.com/oauth/authorizations/new', undefined],
    ['https://test.salesforce.com/elsewhere', undefined],
  ])('a connection without a template that authorizes at %s is probed at %s', (authorizationUrl, probed) => {
    const settings = someSettings({
      provider: 'generic',
      authorizationUrl,
      tokenUrl: 'https://provider.example/token',
    });
    expect(resolveProvider(catalogue, settings)?.probe?.url).toBe(probed);
  });
});
