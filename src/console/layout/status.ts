import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { Grant, GrantStatus } from '../../domain/grants/grant.ts';
import type { NextAction } from '../../domain/next-action.ts';
import { html, type Markup } from '../../markup/html.ts';

/** Colour of a state. A word always stands beside it: colour alone tells nothing to many people. */
export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

/** A state as a word, with a sign of its own for each tone. */
export function badge(tone: Tone, word: string): Markup {
  return html`<span class="badge ${tone}">${word}</span>`;
}

const words: Record<GrantStatus, { tone: Tone; word: string }> = {
  completed: { tone: 'good', word: 'Works' },
  failed: { tone: 'bad', word: 'Failed' },
  not_connected: { tone: 'quiet', word: 'Not connected' },
  waiting_callback: { tone: 'warn', word: 'Waiting for a person' },
  testing: { tone: 'warn', word: 'Being tested' },
};

export function statusWord(status: GrantStatus): string {
  return words[status].word;
}

type TokenState = Pick<Grant, 'status' | 'lastError' | 'metadata'>;

/** Status as stored. */
export function statusBadge(status: GrantStatus): Markup {
  const { tone, word } = words[status];
  return badge(tone, word);
}

/**
 * Status of a grant for the eye. A grant stays `completed` until a fetch or a refresh finds that it cannot serve, so the
 * end of its token and a failing refresh are told beside it.
 */
export function grantBadge({ status, lastError, metadata }: TokenState, now: Date): Markup {
  if (status !== 'completed') return statusBadge(status);
  const expiresAt = metadata?.expiresAt ?? null;
  const hasEnded = expiresAt !== null && expiresAt <= now;
  if (hasEnded && lastError !== null) return badge('bad', 'Token ended, refresh fails');
  if (hasEnded && metadata?.refreshable === false) return badge('bad', 'Token ended');
  return lastError === null ? statusBadge(status) : badge('warn', 'Works, refresh fails');
}

/** The same for a connection, by the grant that serves a fetch without subject. */
export function connectionBadge(
  { status, lastError, served }: Pick<ConnectionView, 'status' | 'lastError' | 'served'>,
  now: Date,
): Markup {
  if (status !== 'completed' || served === null) return statusBadge(status);
  return grantBadge({ status, lastError, metadata: served.metadata }, now);
}

export const nextActionWords: Record<NextAction, string> = {
  authorize: 'A person must connect',
  reconfigure: 'An administrator must change it',
  wait: 'The broker tries again by itself',
  none: 'Nothing to do',
};
