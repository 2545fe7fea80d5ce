import type { SettledOutcome } from '../../broker/authorizations/callback-outcome.ts';
import type { ConnectedDetails } from '../../domain/authorization-outcome.ts';
import { html, type Markup } from '../../markup/html.ts';
import { accountName, cardPage, type Fact, isolated, type OutcomeText, subjectFacts, time } from './card.ts';
import { failureTexts } from './outcome-texts.ts';
import type { Page } from './page.ts';
import { explainedError, providerErrorFacts } from './provider-errors.ts';

/** Page that tells the person the outcome of an authorization: the account that is now connected, or why none is. */
export function outcomePage(outcome: SettledOutcome): Page {
  const { details, provider, organizationId } = outcome;
  const isConnected = details.kind === 'connected';
  const text = isConnected
    ? connectedText(outcome, details)
    : failureTexts[details.cause]({ ...details, provider, organizationId });
  return cardPage({
    ...text,
    tone: isConnected ? 'good' : 'bad',
    subject: outcome.connectionName,
    notes: [...laterCallbackNotes(outcome), ...(isConnected ? connectedNotes(outcome, details) : errorNotes(outcome))],
    facts: factsOf(outcome),
  });
}

function connectedText({ provider, account }: SettledOutcome, { isReconnect }: ConnectedDetails): OutcomeText {
  const who = account === null ? html`Your account` : html`The account <strong>${accountName(account)}</strong>`;
  const how = isReconnect ? 'is connected again. This replaces the earlier access.' : 'is now connected.';
  return {
    title: isReconnect ? 'Connected again' : 'Connected',
    happened: html`${who} at ${isolated(provider)} ${how}`,
    actor: 'nobody',
    next: html`You can close this window. If you do not recognise the account or the organisation, tell the person who sent you the link.`,
  };
}

/** Tells a person who came back once more that only the first sign-in counts. It may have been of another account. */
function laterCallbackNotes({ isLaterCallback }: SettledOutcome): Markup[] {
  return isLaterCallback
    ? [html`This is the outcome of the first sign-in with this link. The later one changed nothing.`]
    : [];
}

/** Explains the error code of the provider, if its meaning is known. */
function errorNotes({ error, provider }: SettledOutcome): Markup[] {
  const explanation = error === null ? null : explainedError(error, provider);
  return explanation === null ? [] : [explanation];
}

/** Lists what limits the access, and who can change that. */
function connectedNotes(outcome: SettledOutcome, details: ConnectedDetails): Markup[] {
  const { isRenewable, expiresAt, missingScopes, isAccountConfirmed } = details;
  const provider = isolated(outcome.provider);
  const notes: Markup[] = [];
  if (!isRenewable) {
    const end = expiresAt === null ? html`may end at any time` : html`ends on ${time(expiresAt)}`;
    notes.push(
      html`This access ${end}, because ${provider} did not allow this service to renew it. After that, connect again with a new link. Only an administrator can change the connection so that the access is renewed.`,
    );
  }
  if (missingScopes.length > 0) {
    const scopes = missingScopes.map((scope, index) => html`${index === 0 ? '' : ', '}<code>${scope}</code>`);
    notes.push(
      html`Not everything that was requested was allowed. Missing: ${scopes}. If you left it out by mistake, ask the person who sent you the link for a new one and allow it.`,
    );
  }
  if (!isAccountConfirmed) {
    notes.push(html`${provider} did not confirm the name of the account. Check that it is the right one.`);
  }
  return notes;
}

function factsOf(outcome: SettledOutcome): Fact[] {
  const { details, account, subject, error, errorDescription } = outcome;
  const facts = subjectFacts(outcome);
  if (account !== null) facts.push(['Account', accountName(account)]);
  if (details.kind === 'failed' && details.expected !== null)
    facts.push(['Expected account', accountName(details.expected)]);
  if (details.kind === 'failed' && details.received !== null)
    facts.push(['Account you used', accountName(details.received)]);
  if (subject !== null) facts.push(['For', isolated(subject)]);
  if (details.kind === 'connected') facts.push(['Access', access(details)]);
  facts.push(...providerErrorFacts({ code: error, description: errorDescription }));
  return facts;
}

function access({ isRenewable, expiresAt, refreshExpiresAt }: ConnectedDetails): Markup {
  if (!isRenewable) return expiresAt === null ? html`End not known` : html`Until ${time(expiresAt)}`;
  if (refreshExpiresAt === null) return html`Renewed automatically`;
  return html`Renewed automatically. You may have to sign in again after ${time(refreshExpiresAt)}.`;
}
