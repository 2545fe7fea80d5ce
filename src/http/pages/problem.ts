import type { BrokerError, BrokerErrorCode } from '../../domain/errors.ts';
import { html } from '../../markup/html.ts';
import { cardPage, type OutcomeText } from './card.ts';
import type { Page } from './page.ts';

const texts = {
  request: {
    title: 'This request cannot be read',
    happened: html`The request is not one that this service can answer. Nothing was changed.`,
    actor: 'you',
    next: html`Open the link that you were sent again. If this page appears again, send a picture of it to the person who sent you the link.`,
  },
  limit: {
    title: 'Too many requests',
    happened: html`Too many requests came from your network in a short time.`,
    actor: 'you',
    next: html`Wait a minute, then reload this page.`,
  },
  unavailable: {
    title: 'This service is not available',
    happened: html`A part of this service does not work at the moment.`,
    actor: 'you',
    next: html`Wait a minute, then open the link again. If this page appears again, send a picture of it to the person who sent you the link.`,
  },
  failure: {
    title: 'This service failed',
    happened: html`An unexpected error happened here. It is not your fault.`,
    actor: 'you',
    next: html`Wait a minute, then reload this page. If it appears again, send a picture of it to the person who sent you the link: an administrator finds the error under the request id.`,
  },
} as const satisfies Record<string, OutcomeText>;

const textOf = {
  invalid_request: 'request',
  client_secret_required: 'request',
  would_disconnect: 'request',
  dependent_workflows: 'request',
  data_key_in_use: 'request',
  flow_not_interactive: 'request',
  not_refreshable: 'request',
  min_ttl_unsatisfiable: 'request',
  request_timeout: 'request',
  unauthorized: 'request',
  forbidden: 'request',
  import_not_allowed: 'request',
  workflow_disabled: 'request',
  insufficient_scope: 'request',
  not_found: 'request',
  method_not_allowed: 'request',
  connection_not_found: 'request',
  grant_not_found: 'request',
  connection_exists: 'request',
  account_ambiguous: 'request',
  confirmation_refused: 'request',
  precondition_failed: 'request',
  payload_too_large: 'request',
  unsupported_media_type: 'request',
  rate_limited: 'limit',
  internal_error: 'failure',
  connection_not_ready: 'unavailable',
  provider_unavailable: 'unavailable',
  service_unavailable: 'unavailable',
} as const satisfies Record<BrokerErrorCode, keyof typeof texts>;

/** Page for a request that failed: it tells the person what happened and what to do. */
export function problemPage(error: BrokerError, requestId: string): Page {
  return cardPage({
    ...texts[textOf[error.code]],
    tone: 'bad',
    subject: null,
    notes: [],
    facts: [['Request id', html`<code>${requestId}</code>`]],
  });
}
