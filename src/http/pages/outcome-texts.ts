import type { FailedDetails, FailureCause } from '../../domain/authorization-outcome.ts';
import { html, type Markup } from '../../markup/html.ts';
import { accountName, isolated, type OutcomeText } from './card.ts';

/** Names that a text may use. */
export interface Naming extends Pick<FailedDetails, 'expected' | 'received'> {
  provider: string;
  organizationId: string | null;
}

const newLink = 'ask the person who sent you the link for a new one';
const eachLinkOnce = 'Each link works once.';

/** Texts of an authorization that failed. A new cause does not compile until it has a text. */
export const failureTexts = {
  denied: ({ provider }) => ({
    title: 'Not connected: access was not allowed',
    happened: html`The access was refused at ${isolated(provider)}: by you, or by a rule for your account there.`,
    actor: 'you',
    next: html`To connect after all, ${newLink} and allow the access. ${eachLinkOnce} If you did not refuse it yourself, ask the people who manage your ${isolated(provider)} account.`,
  }),
  admin_consent_required: (naming) => ({
    title: 'Not connected: an administrator must agree first',
    happened: html`Your organisation at ${isolated(naming.provider)} lets only its administrators allow this application. Your sign-in was fine.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. Send a picture of this page to the people who manage your ${isolated(naming.provider)} account: an administrator there must consent to the application for your organisation. After that, ${newLink}. ${eachLinkOnce}`,
  }),
  blocked_by_policy: (naming) => ({
    title: 'Not connected: your organisation does not allow this application',
    happened: html`The administrators of your ${isolated(naming.provider)} account do not allow this application, or not all of the access that it needs. Your sign-in was fine.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. Send a picture of this page to the people who manage your ${isolated(naming.provider)} account: an administrator there must allow the application. After that, ${newLink}. ${eachLinkOnce}`,
  }),
  members_only: (naming) => ({
    title: 'Not connected: this account is from another organisation',
    happened: html`The application at ${isolated(naming.provider)} is for the members of one organisation only, and your account is not one of theirs.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(naming)} must open the application at ${isolated(naming.provider)} to other organisations. If you have an account of its own organisation, ${newLink} and sign in with that account.`,
  }),
  consent_missing: (naming) => ({
    title: 'Not connected: the consent is missing',
    happened: html`${isolated(naming.provider)} needs your consent, and could not ask you for it.`,
    actor: 'you',
    next: html`To connect, ${newLink}, and allow the access when ${isolated(naming.provider)} asks you. If this page appears again, send that person a picture of it: ${administrator(naming)} must check the connection, or the people who manage your account must consent for you.`,
  }),
  interaction_required: (naming) => ({
    title: 'Not connected: the provider must ask you something',
    happened: html`${isolated(naming.provider)} needs a step of you, such as a sign-in or a second factor, and could not ask for it.`,
    actor: 'you',
    next: html`Sign in at ${isolated(naming.provider)} in this browser. Then ${newLink}. If this page appears again, send that person a picture of it: ${administrator(naming)} must check the connection.`,
  }),
  code_rejected: ({ provider }) => ({
    title: 'Not connected: the sign-in was too old',
    happened: html`${isolated(provider)} no longer accepts this sign-in. It took too long, or was used before.`,
    actor: 'you',
    next: html`To connect, ${newLink}, and sign in without a long break. ${eachLinkOnce}`,
  }),
  client_rejected: (naming) => ({
    title: 'Not connected: the connection is not set up correctly',
    happened: html`${isolated(naming.provider)} does not accept the credentials of this connection. Your sign-in was fine.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(naming)} must correct the client id or the client secret of the connection, and then send you a new link.`,
  }),
  configuration_rejected: (naming) => ({
    title: 'Not connected: the connection is not set up correctly',
    happened: html`${isolated(naming.provider)} cannot be used with the settings of this connection. Your sign-in was fine.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(naming)} must correct the settings of the connection, such as its scopes and addresses, and then send you a new link.`,
  }),
  provider_unavailable: ({ provider }) => ({
    title: 'Not connected: the provider did not answer',
    happened: html`${isolated(provider)} could not be reached, or is too busy. Your sign-in could not be completed.`,
    actor: 'you',
    next: html`Wait a few minutes. Then ${newLink} and try again. ${eachLinkOnce} Nothing needs to be changed.`,
  }),
  response_rejected: ({ provider }) => ({
    title: 'Not connected: the answer is not from the provider',
    happened: html`The answer that came back is not one that ${isolated(provider)} sends. To protect you, it was not used.`,
    actor: 'you',
    next: html`To connect, ${newLink}. If this page appears again, send that person a picture of it: an administrator must look into it.`,
  }),
  provider_error: (naming) => ({
    title: 'Not connected: the provider reported an error',
    happened: html`${isolated(naming.provider)} ended the sign-in with an error.`,
    actor: 'you',
    next: html`To try again, ${newLink}. ${eachLinkOnce} If this page appears again, send that person a picture of it: ${administrator(naming)} must check the connection.`,
  }),
  token_unusable: (naming) => ({
    title: 'Not connected: the access does not work',
    happened: html`${isolated(naming.provider)} gave access, and then refused the first test of it.`,
    actor: 'you',
    next: html`Your account may lack a permission at ${isolated(naming.provider)}. To try again, or with another account, ${newLink}. If this page appears again, send that person a picture of it: ${administrator(naming)} must check the connection.`,
  }),
  other_account: ({ provider, expected, received }) => ({
    title: 'Not connected: this is another account',
    happened: html`You signed in at ${isolated(provider)} as ${named(received)}, and this connection is for ${named(expected)}. What was connected before is unchanged.`,
    actor: 'you',
    next: html`Sign out at ${isolated(provider)}, ${newLink}, open it, and sign in as ${named(expected)}. Is ${named(received)} the right account? Then ask that person for a link that allows another account.`,
  }),
  account_unconfirmed: (naming) => ({
    title: 'Not connected: the account is not confirmed',
    happened: html`This connection is for ${named(naming.expected)}, and ${isolated(naming.provider)} did not confirm the account that you signed in with. What was connected before is unchanged.`,
    actor: 'administrator',
    next: html`You cannot correct this yourself. ${tellSender(naming)} can send a link that allows another account, or change the connection so that the provider names the account.`,
  }),
  not_confirmed: () => ({
    title: 'Not connected: the sign-in was not confirmed',
    happened: html`The application that started this sign-in did not confirm that it was you who finished it.`,
    actor: 'you',
    next: html`Start again in the application itself. Do not open a link that another person sent you.`,
  }),
  connection_changed: () => ({
    title: 'Not connected: the connection was changed',
    happened: html`The connection was changed or deleted by an administrator while you were signing in.`,
    actor: 'you',
    next: html`If you still want to connect, ${newLink}.`,
  }),
  access_revoked: () => ({
    title: 'Not connected: the access was withdrawn',
    happened: html`The access was withdrawn by an administrator while you were signing in.`,
    actor: 'you',
    next: html`If you still want to connect, ${newLink}.`,
  }),
  broker_failed: (naming) => ({
    title: 'Not connected: this service failed',
    happened: html`Your sign-in reached this service, and an error here ended it.`,
    actor: 'you',
    next: html`To try again, ${newLink}. ${eachLinkOnce} If this page appears again, send that person a picture of it: ${administrator(naming)} must look into it.`,
  }),
} as const satisfies Record<FailureCause, (naming: Naming) => OutcomeText>;

export function administrator({ organizationId }: Pick<Naming, 'organizationId'>): Markup {
  return organizationId === null ? html`an administrator` : html`an administrator of ${isolated(organizationId)}`;
}

/** Begins a sentence about what an administrator must do. */
export function tellSender(naming: Pick<Naming, 'organizationId'>): Markup {
  return html`Send a picture of this page to the person who sent you the link: ${administrator(naming)}`;
}

function named(account: Naming['expected']): Markup {
  return account === null ? html`an unknown account` : html`<strong>${accountName(account)}</strong>`;
}
