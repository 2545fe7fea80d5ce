import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { extraOf } from '../../domain/connections/template-fields.ts';

/** Names how a provider deviates from the plain protocol, and what follows from it. One sentence each. */
export function quirksOf(template: ProviderTemplate): string[] {
  return [...tokenQuirks(template), ...requestQuirks(template), ...responseQuirks(template)];
}

function tokenQuirks({ refreshToken, expiry, refresh }: ProviderTemplate): string[] {
  const { rotates, lifetimeDays, lifetimeCounts, idleDays } = refreshToken;
  const from = lifetimeCounts === 'from_consent' ? 'after the person’s consent' : 'after its issue';
  return [
    refresh.strategy === 'exchange_access_token' &&
      'There is no refresh token: the access token itself is exchanged for a new one before it ends.',
    rotates === true && 'Each refresh returns a new refresh token, and the old one stops working.',
    rotates === false && 'The refresh token stays the same over refreshes.',
    lifetimeDays !== null && `A refresh token ends ${days(lifetimeDays)} ${from}. The person then connects again.`,
    idleDays !== null && `A refresh token that is not used for ${days(idleDays)} ends.`,
    expiry.defaultLifetimeSeconds !== null &&
      `If a token response states no lifetime, an access token counts as valid for ${expiry.defaultLifetimeSeconds} seconds.`,
  ].filter((quirk) => quirk !== false);
}

function requestQuirks(template: ProviderTemplate): string[] {
  const { tokenAuthMethod, pkce, issRequired, scopeSeparator, requestBody, codeParam, limits } = template;
  const isInteractive = template.flows.includes('authorization_code');
  const parameters = Object.keys(template.authorizeParams);
  const renamed = Object.entries(template.renamedParams).flatMap(([from, to]) =>
    to === null ? [] : [`${from} is ${to}`],
  );
  return [
    `The client proves itself with ${tokenAuthMethod}.`,
    isInteractive && (pkce ? 'PKCE is used.' : 'PKCE is not used.'),
    isInteractive && issRequired && 'The callback must name its issuer (RFC 9207).',
    scopeSeparator !== ' ' && `Scopes are separated by “${scopeSeparator}”.`,
    isInteractive && parameters.length > 0 && `The authorization request also carries ${parameters.join(', ')}.`,
    requestBody === 'json' && 'Token requests are JSON.',
    requestBody === 'query' && 'Token requests carry their parameters in the URL.',
    isInteractive && codeParam !== 'code' && `The callback names the code ${codeParam}.`,
    renamed.length > 0 && `Parameters have other names: ${renamed.join(', ')}.`,
    limits.requestsPerMinute !== null && `The token endpoint takes ${limits.requestsPerMinute} requests a minute.`,
    limits.concurrency !== null && `The token endpoint takes ${limits.concurrency} requests at a time.`,
  ].filter((quirk) => quirk !== false);
}

function responseQuirks(template: ProviderTemplate): string[] {
  const extra = extraOf(template);
  const siblings = Object.keys(template.response.siblings);
  return [
    extra.length > 0 && `A fetched credential also carries ${extra.join(', ')} in extra.`,
    siblings.length > 0 && `A token response holds a second token set, served as ${siblings.join(', ')}.`,
    template.test === null
      ? 'There is no test call: a test is skipped, unless the connection names a test_url.'
      : 'A test calls the provider’s API with the access token.',
  ].filter((quirk) => quirk !== false);
}

function days(count: number): string {
  return count === 1 ? 'one day' : `${count} days`;
}
