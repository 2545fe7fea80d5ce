import type { OutcomeDetails } from '../domain/authorization-outcome.ts';
import type { StoredOutcomeDetails } from './authorizations-table.ts';

export function toOutcomeDetails(stored: StoredOutcomeDetails | null): OutcomeDetails | null {
  if (stored === null) return null;
  if (stored.kind === 'failed') {
    const { exchange = null } = stored;
    return { ...stored, exchange: exchange && { ...exchange, at: new Date(exchange.at) } };
  }
  const { expiresAt, refreshExpiresAt } = stored;
  return { ...stored, expiresAt: toDate(expiresAt), refreshExpiresAt: toDate(refreshExpiresAt) };
}

/** Writes the details as JSON text. jsonb refuses unpaired surrogates, which a provider may send in an account name. */
export function fromOutcomeDetails(details: OutcomeDetails | null): string | null {
  if (details === null) return null;
  return JSON.stringify(details, (_key, value) => (typeof value === 'string' ? value.toWellFormed() : value));
}

function toDate(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
