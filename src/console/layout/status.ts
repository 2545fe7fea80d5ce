import type { GrantStatus } from '../../domain/grants/grant.ts';
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

/** Status of a connection or a grant. A working one that the broker cannot refresh at the moment is a warning. */
export function statusBadge(status: GrantStatus, isFailing = false): Markup {
  const { tone, word } = words[status];
  return status === 'completed' && isFailing ? badge('warn', 'Works, refresh fails') : badge(tone, word);
}

export const nextActionWords: Record<NextAction, string> = {
  authorize: 'A person must connect',
  reconfigure: 'An administrator must change it',
  wait: 'The broker tries again by itself',
  none: 'Nothing to do',
};
