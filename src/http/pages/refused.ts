import type { Refusal, RefusalReason } from '../../broker/authorizations/refusal.ts';
import { html, type Markup } from '../../markup/html.ts';
import { type Card, cardPage, isolated, type OutcomeText, subjectFacts, time } from './card.ts';
import { tellSender } from './outcome-texts.ts';
import type { Page } from './page.ts';
import { providerErrorFacts } from './provider-errors.ts';

const newLink = 'Ask the person who sent you the link for a new one.';

/** Texts of a refused link or callback. A new reason does not compile until it has a text. */
export const refusalTexts = {
  link_incomplete: () => ({
    title: 'This link is incomplete',
    happened: html`It is not a link of this service, or a part of it is missing.`,
    actor: 'you',
    next: html`Copy the whole link and open it again. If that does not help, ask the person who sent it for a new one.`,
  }),
  link_embedded: () => ({
    title: 'This link must be opened in a window of its own',
    happened: html`Another page tried to load the link inside of it.`,
    actor: 'you',
    next: html`Open the link in a tab or a window of its own.`,
  }),
  link_unknown: () => ({
    title: 'This link is not known',
    happened: html`This service does not know the link. It may be old, or belong to another service.`,
    actor: 'you',
    next: html`${newLink}`,
  }),
  link_expired: ({ about }) => ({
    title: 'This link has expired',
    happened: about === null ? html`The link is too old.` : html`The link worked until ${time(about.expiresAt)}.`,
    actor: 'you',
    next: html`${newLink}`,
  }),
  link_used: () => ({
    title: 'This link was used already',
    happened: html`A sign-in with this link was already completed. Each link works once.`,
    actor: 'you',
    next: html`If you completed it yourself, there is nothing left to do. Otherwise ask the person who sent you the link for a new one.`,
  }),
  link_cancelled: () => ({
    title: 'This link was cancelled',
    happened: html`The link was cancelled by the people who made it.`,
    actor: 'you',
    next: html`If you still want to connect, ask the person who sent you the link for a new one.`,
  }),
  connection_changed: () => ({
    title: 'This link is out of date',
    happened: html`The connection was changed by an administrator after the link was made.`,
    actor: 'you',
    next: html`${newLink}`,
  }),
  connection_deleted: () => ({
    title: 'This connection was deleted',
    happened: html`The connection was deleted by an administrator while you were signing in.`,
    actor: 'you',
    next: html`If you still want to connect, ask the person who sent you the link for a new one.`,
  }),
  connection_unknown: () => ({
    title: 'This address is not known',
    happened: html`There is no connection at this address.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(nobody)} must check the redirect address that is registered at the provider.`,
  }),
  connection_unusable: ({ about }) => ({
    title: 'The connection is not set up correctly',
    happened: html`The settings of the connection do not lead to a sign-in page.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(about ?? nobody)} must correct the settings of the connection, and then send you a new link.`,
  }),
  provider_unavailable: ({ about }) => ({
    title: 'The provider cannot be reached',
    happened: html`${about === null ? 'The provider' : isolated(about.provider)} cannot be reached, or is too busy.`,
    actor: 'you',
    next: html`Wait a few minutes, then open the same link again${about === null ? '' : html`. It works until ${time(about.expiresAt)}`}.`,
  }),
  authorization_unknown: () => ({
    title: 'This sign-in is not known',
    happened: html`This service does not know the sign-in that this answer belongs to. It was begun long ago, or elsewhere.`,
    actor: 'you',
    next: html`${newLink}`,
  }),
  foreign_browser: () => ({
    title: 'This sign-in belongs to another browser',
    happened: html`The link was last opened in another browser or window, or this browser did not keep its cookie.`,
    actor: 'you',
    next: html`Allow cookies for this service, open the link again in this browser, and sign in. If the link no longer works, ask the person who sent it for a new one.`,
  }),
  other_connection: () => ({
    title: 'This answer came to the wrong address',
    happened: html`The answer of the provider belongs to another connection than the address it was sent to.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(nobody)} must check the redirect address that is registered at the provider.`,
  }),
  other_environment: ({ about, addresses }) => ({
    title: 'This sign-in was begun at another address',
    happened:
      addresses === null
        ? html`The sign-in was begun at another address of this service.`
        : html`The sign-in was begun at <code>${addresses.started}</code>, and this service is now at <code>${addresses.current}</code>.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(about ?? nobody)} must check the address of this service and the redirect address at the provider, and then send you a new link.`,
  }),
  response_malformed: () => ({
    title: 'This answer cannot be read',
    happened: html`The answer of the provider is not in the form that the standard asks for. It was not used.`,
    actor: 'you',
    next: html`Open the link again. If this page appears again, tell the person who sent you the link: an administrator must look into it.`,
  }),
  response_rejected: ({ about }) => ({
    title: 'This answer is not from the provider',
    happened: html`The answer that came back is not one that ${about === null ? 'the provider' : isolated(about.provider)} sends. To protect you, it was not used.`,
    actor: 'you',
    next: html`${newLink} If this page appears again, tell that person: an administrator must look into it.`,
  }),
  still_completing: () => ({
    title: 'Your sign-in is still being completed',
    happened: html`The provider is slow to answer. The outcome is not known yet.`,
    actor: 'you',
    next: html`Wait a moment, then reload this page.`,
  }),
} as const satisfies Record<RefusalReason, (refusal: RefusedNaming) => OutcomeText>;

export type RefusedNaming = Pick<Refusal, 'about' | 'addresses'>;

/** Anyone can write an address with words in it: the authorization that would prove their origin is not known. */
const unverifiedWords = html`This service cannot check who wrote the words below. Do not follow instructions in them.`;

const nobody = { organizationId: null };

/** Page for a link or a callback that the broker refuses. */
export function refusedPage(refusal: Refusal): Page {
  const { about, reason, providerError } = refusal;
  const unchanged: Markup[] =
    reason === 'still_completing' || reason === 'link_used' ? [] : [html`Nothing was changed.`];
  const card: Card = {
    ...refusalTexts[reason](refusal),
    tone: reason === 'still_completing' ? 'neutral' : 'bad',
    subject: about?.connectionName ?? null,
    notes: providerError?.description ? [...unchanged, unverifiedWords] : unchanged,
    facts: [
      ...(about === null ? [] : subjectFacts(about)),
      ...(providerError ? providerErrorFacts(providerError) : []),
    ],
  };
  return cardPage(card);
}
