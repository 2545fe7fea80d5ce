import { html, type Markup } from '../../markup/html.ts';
import { type Fact, isolated } from './card.ts';

/** Meaning of the error codes that people meet (RFC 6749 §4.1.2.1), for codes whose cause does not say all. */
const explanations: Partial<Record<string, (provider: Markup) => Markup>> = {
  unauthorized_client: (provider) => html`${provider} does not let this application sign people in this way.`,
  invalid_scope: (provider) =>
    html`${provider} does not know one of the permissions that were requested, or does not let this application request it.`,
  invalid_request: (provider) => html`${provider} could not read the request of this service.`,
  server_error: (provider) => html`${provider} had an error of its own.`,
  temporarily_unavailable: (provider) => html`${provider} is overloaded or under maintenance.`,
};

/** Explains an error code of the provider. Null if its meaning is not known. */
export function explainedError(code: string, provider: string): Markup | null {
  return Object.hasOwn(explanations, code) ? (explanations[code]?.(isolated(provider)) ?? null) : null;
}

/** Quotes the provider. The description is its text, not that of this service: it is marked as a quotation. */
export function providerErrorFacts({ code, description }: { code: string | null; description: string | null }): Fact[] {
  const facts: Fact[] = [];
  if (code !== null) facts.push(['Error of the provider', html`<code>${code}</code>`]);
  if (description !== null) facts.push(['Words of the provider', html`<q><bdi>${description}</bdi></q>`]);
  return facts;
}
