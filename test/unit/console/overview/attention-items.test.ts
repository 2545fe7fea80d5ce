import { describe, expect, test } from 'vitest';
import type {
  Attention,
  InstallationAttention,
} from '../../../../src/broker/administration/overview/read-attention.ts';
import {
  type AttentionKind,
  attentionItems,
  attentionKinds,
} from '../../../../src/console/overview/attention-items.ts';
import { attentionPanel } from '../../../../src/console/overview/attention-panel.ts';
import type { EndpointCircuit } from '../../../../src/domain/ports/oauth.ts';

const now = new Date('2030-01-31T12:00:00Z');
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const exactly = (count: number) => ({ count, isComplete: true });
const dayMs = 86_400_000;

const quietInstallation: InstallationAttention = {
  circuits: [],
  circuitCount: 0,
  backlog: { due: 9_999, overdueSeconds: 3600 },
  background: { workers: 2, lastSweepAt: ago(20), isSweepOverdue: false },
  unsavedTokens: 0,
  unconfirmedKeyIds: [],
  isListenerUp: true,
  isQueueUp: true,
};
const quiet: Attention = {
  refreshTokensExpiring: exactly(0),
  expiryWarningMs: 7 * dayMs,
  failing: exactly(0),
  installation: quietInstallation,
};
const installation = (changes: Partial<InstallationAttention>): Attention => ({
  ...quiet,
  installation: { ...quietInstallation, ...changes },
});
const circuit = (endpoint: string, changes: Partial<EndpointCircuit> = {}): EndpointCircuit => ({
  endpoint,
  state: 'open',
  since: ago(3),
  retryAt: ago(-1),
  ...changes,
});

/** A state in which exactly this kind holds, and words of its sentence. */
const states: Record<AttentionKind, [Attention, string[]]> = {
  queue_down: [installation({ isQueueUp: false }), ['no sweep begins']],
  no_workers: [
    installation({ background: { workers: 0, lastSweepAt: ago(90), isSweepOverdue: true } }),
    ['No worker is alive'],
  ],
  tokens_unsaved: [installation({ unsavedTokens: 1 }), ['1 token set on disk is not in the database']],
  refreshes_late: [installation({ backlog: { due: 1, overdueSeconds: 7200 } }), ['2 hours ago']],
  sweep_overdue: [
    installation({ background: { workers: 1, lastSweepAt: ago(90), isSweepOverdue: true } }),
    ['No sweep has ended', '1 hour ago'],
  ],
  backlog_full: [installation({ backlog: { due: 10_000, overdueSeconds: 0 } }), ['Ten thousand grants']],
  circuit_open: [
    installation({ circuits: [circuit('https://down.example/token')], circuitCount: 1 }),
    ['https://down.example/token', '3 minutes ago', 'in 1 minute'],
  ],
  refresh_tokens_die: [{ ...quiet, refreshTokensExpiring: exactly(3) }, ['3 refresh tokens expire within 7 days']],
  refreshes_fail: [{ ...quiet, failing: { count: 5000, isComplete: false } }, ['at least 5,000 working grants']],
  backup_unconfirmed: [installation({ unconfirmedKeyIds: ['k1'] }), ['k1', 'No backup']],
};

const textOf = (markup: { text: string }) => markup.text.replace(/<[^>]*>/g, '');

describe('needs attention', () => {
  test.each(attentionKinds.map((kind) => [kind, ...states[kind]] as const))(
    '%s appears when its fact holds, alone, with what to do and a link',
    (kind, attention, words) => {
      const items = attentionItems(attention, now);
      expect(items.map((item) => item.kind)).toEqual([kind]);
      for (const { fact, next, link } of items) {
        for (const word of words) expect(textOf(fact)).toContain(word);
        expect(next).toMatch(/\.$/);
        expect(link.path).toMatch(/^\/console\//);
      }
    },
  );

  test('nothing appears while all is well, and the panel says so', () => {
    expect(attentionItems(quiet, now)).toEqual([]);
    const { text } = attentionPanel({ href: (path) => path, now }, quiet);
    expect(text).toContain('Nothing needs attention.');
    expect(text).not.toContain('<li');
  });

  test('an installation with REFRESH_MODE=off misses no workers and no sweeps', () => {
    expect(attentionItems(installation({ background: null, backlog: null }), now)).toEqual([]);
  });

  test('no refresh token is announced when EXPIRY_WARNING_DAYS is 0', () => {
    expect(attentionItems({ ...quiet, expiryWarningMs: 0, refreshTokensExpiring: exactly(3) }, now)).toEqual([]);
  });

  test('what stops all work comes first, and every key has a line of its own', () => {
    const all: Attention = {
      ...installation({ isQueueUp: false, unconfirmedKeyIds: ['k1', 'k2'], unsavedTokens: 2 }),
      failing: exactly(1),
    };
    expect(attentionItems(all, now).map(({ kind }) => kind)).toEqual([
      'queue_down',
      'tokens_unsaved',
      'refreshes_fail',
      'backup_unconfirmed',
      'backup_unconfirmed',
    ]);
  });

  test('hundreds of circuits are a few lines and one number', () => {
    const circuits = Array.from({ length: 50 }, (_, at) => circuit(`https://p${at}.example/token`));
    const items = attentionItems(installation({ circuits, circuitCount: 300 }), now);
    expect(items).toHaveLength(4);
    expect(items.map(({ fact }) => textOf(fact)).at(-1)).toContain('297 further circuits are not closed');
  });

  test('a name from a provider is text', () => {
    const { text } = attentionPanel(
      { href: (path) => path, now },
      installation({ circuits: [circuit('https://x.example/<img src=x>')], circuitCount: 1 }),
    );
    expect(text).toContain('&lt;img src=x&gt;');
    expect(text).not.toContain('<img');
  });

  test('a caller of some organisations sees only what is theirs, and where the rest is shown', () => {
    const { text } = attentionPanel(
      { href: (path) => path, now },
      { ...quiet, failing: exactly(1), installation: null },
    );
    expect([...text.matchAll(/data-kind="(\w+)"/g)].map(([, kind]) => kind)).toEqual(['refreshes_fail']);
    expect(text).toContain('callers that reach the whole installation');
  });
});
