import type { Match } from '../match-template.ts';
import { textOf } from '../values.ts';

type Data = Readonly<Record<string, unknown>>;

/** Types whose addresses do not depend on the credential, with the template of their provider. */
const fixed: Readonly<Record<string, string>> = {
  airtableOAuth2Api: 'airtable',
  asanaOAuth2Api: 'asana',
  boxOAuth2Api: 'box',
  discordOAuth2Api: 'discord',
  dropboxOAuth2Api: 'dropbox',
  gmailOAuth2: 'google-gmail',
  googleCalendarOAuth2Api: 'google-calendar',
  googleDriveOAuth2Api: 'google-drive',
  hubspotOAuth2Api: 'hubspot',
  linearOAuth2Api: 'linear',
  linkedInOAuth2Api: 'linkedin',
  notionOAuth2Api: 'notion',
  quickBooksOAuth2Api: 'quickbooks',
  slackOAuth2Api: 'slack',
  spotifyOAuth2Api: 'spotify',
  twitterOAuth2Api: 'x-twitter',
  xeroOAuth2Api: 'xero',
  youTubeOAuth2Api: 'youtube',
  zoomOAuth2Api: 'zoom',
};

/** Families of types with one provider. Their scopes differ, their addresses do not. */
const families: readonly (readonly [RegExp, string])[] = [
  [/^google\w*OAuth2/, 'google'],
  [/^microsoft\w*OAuth2/, 'microsoft-graph'],
];

/** Types whose addresses depend on a field of the credential. */
const computed: Readonly<Record<string, (data: Data) => Match | undefined>> = {
  // Another server is GitHub Enterprise, which the template does not know.
  githubOAuth2Api: ({ server }) => (isServer(server, 'api.github.com') ? { provider: 'github' } : undefined),
  gitlabOAuth2Api: ({ server }) => ({ provider: 'gitlab', variables: { base: hostOf(server) ?? 'gitlab.com' } }),
  salesforceOAuth2Api: ({ environment }) => ({
    provider: 'salesforce',
    variables: { domain: environment === 'sandbox' ? 'test.salesforce.com' : 'login.salesforce.com' },
  }),
  serviceNowOAuth2Api: ({ subdomain }) => withVariable('servicenow', 'host', subdomain, '.service-now.com'),
  shopifyOAuth2Api: ({ shopSubdomain }) => withVariable('shopify', 'shop', shopSubdomain),
  zendeskOAuth2Api: ({ subdomain }) => withVariable('zendesk', 'sub', subdomain),
};

/** Finds the template of a credential type that n8n ships. Its export does not hold the addresses of most of them. */
export function providerOf(type: string, data: Data): Match | undefined {
  if (Object.hasOwn(computed, type)) return computed[type]?.(data);
  const provider = fixed[type] ?? families.find(([pattern]) => pattern.test(type))?.[1];
  return provider === undefined ? undefined : { provider };
}

function withVariable(provider: string, name: string, value: unknown, suffix = ''): Match | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : { provider, variables: { [name]: `${text}${suffix}` } };
}

function hostOf(server: unknown): string | undefined {
  const text = textOf(server);
  return text !== undefined && URL.canParse(text) ? new URL(text).host : undefined;
}

function isServer(server: unknown, host: string): boolean {
  return textOf(server) === undefined || hostOf(server) === host;
}
