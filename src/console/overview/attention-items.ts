import type { Attention, InstallationAttention } from '../../broker/administration/overview/read-attention.ts';
import type { EndpointCircuit } from '../../domain/ports/oauth.ts';
import { html, type Markup } from '../../markup/html.ts';
import { counted } from '../layout/numbers.ts';
import { isolated } from '../layout/owner.ts';
import { queryOf } from '../layout/table.ts';
import { when } from '../layout/time.ts';

export const attentionKinds = [
  'queue_down',
  'no_workers',
  'tokens_unsaved',
  'refreshes_late',
  'sweep_overdue',
  'backlog_full',
  'circuit_open',
  'refresh_tokens_die',
  'refreshes_fail',
  'backup_unconfirmed',
] as const;
export type AttentionKind = (typeof attentionKinds)[number];

/** One thing that is about to break. */
export interface AttentionItem {
  kind: AttentionKind;
  tone: 'bad' | 'warn';
  /** One sentence. */
  fact: Markup;
  /** Instruction of one or two sentences. */
  next: string;
  /** Path of the console, and the words on it. */
  link: { path: string; label: string };
}

/** The rule of the alert TokenBrokerRefreshLag in docs/OPERATIONS.md. */
const lateAfterSeconds = 3600;
/** Due grants are counted up to here, see BacklogReadings. */
const backlogBound = 10_000;
/** Circuits with an item of their own. An outage of a network opens hundreds at once. */
const maxCircuits = 3;
const dayMs = 86_400_000;

const doctor = { path: '/console/doctor', label: 'Run doctor' };
const sweeps = { path: '/console/sweeps', label: 'Sweeps and queue' };

/** Decides what needs attention: what stops all work comes first. */
export function attentionItems(attention: Attention, now: Date): AttentionItem[] {
  const { installation } = attention;
  return [
    ...(installation === null ? [] : ofBackgroundWork(installation, now)),
    ...(installation === null ? [] : ofCircuits(installation, now)),
    ...ofGrants(attention),
    ...(installation === null ? [] : installation.unconfirmedKeyIds.map(unconfirmed)),
  ];
}

function ofBackgroundWork(installation: InstallationAttention, now: Date): AttentionItem[] {
  const { isQueueUp, background, backlog, unsavedTokens } = installation;
  const items: AttentionItem[] = [];
  if (!isQueueUp)
    items.push({
      kind: 'queue_down',
      tone: 'bad',
      fact: html`The queue does not work, so no sweep begins.`,
      next: 'Doctor says why. Fetches still refresh tokens that have expired.',
      link: doctor,
    });
  if (background?.workers === 0)
    items.push({
      kind: 'no_workers',
      tone: 'bad',
      fact: html`No worker is alive, so unused tokens are not refreshed.`,
      next: 'Start a process with ROLE=worker or ROLE=all.',
      link: doctor,
    });
  if (unsavedTokens > 0)
    items.push({
      kind: 'tokens_unsaved',
      tone: 'bad',
      fact: html`${counted({ count: unsavedTokens, isComplete: true }, 'token set')} on disk ${unsavedTokens === 1 ? 'is' : 'are'} not in the database yet.`,
      next: 'Make the database writable, and keep DATA_DIR. The broker then stores them by itself.',
      link: doctor,
    });
  if (backlog !== null && backlog.overdueSeconds > lateAfterSeconds) items.push(late(backlog.overdueSeconds, now));
  if (background?.isSweepOverdue === true && background.workers > 0)
    items.push({
      kind: 'sweep_overdue',
      tone: 'warn',
      fact: html`No sweep has ended for two intervals. End of the last one: ${when(background.lastSweepAt, now)}.`,
      next: 'Look at the last sweeps, and in the log for job failed.',
      link: sweeps,
    });
  if (backlog !== null && backlog.due >= backlogBound)
    items.push({
      kind: 'backlog_full',
      tone: 'warn',
      fact: html`Ten thousand grants or more are due for a refresh.`,
      next: 'Add workers if jobs are ready and wait.',
      link: sweeps,
    });
  return items;
}

function late(overdueSeconds: number, now: Date): AttentionItem {
  const query = queryOf({ status: 'completed', expires_within: '0' });
  return {
    kind: 'refreshes_late',
    tone: 'bad',
    fact: html`Refreshes are late: an access token expired ${when(new Date(now.getTime() - overdueSeconds * 1000), now)}.`,
    next: 'If all of one provider are late, its refreshes fail. Otherwise look at the workers.',
    link: { path: `/console/grants${query}`, label: 'Show expired tokens' },
  };
}

function ofCircuits({ circuits, circuitCount }: InstallationAttention, now: Date): AttentionItem[] {
  const next = 'It closes after calls that succeed. If the provider works from elsewhere, check proxy and firewall.';
  const link = { path: '/console/sweeps#circuits', label: 'Show circuits' };
  const own = circuits.slice(0, maxCircuits).map(
    (circuit): AttentionItem => ({
      kind: 'circuit_open',
      tone: 'warn',
      fact: circuitFact(circuit, now),
      next,
      link,
    }),
  );
  const others = circuitCount - own.length;
  if (others <= 0) return own;
  const fact = html`${counted({ count: others, isComplete: true }, 'further circuit is', 'further circuits are')} not closed.`;
  return [...own, { kind: 'circuit_open', tone: 'warn', fact, next: 'Many at once point to the network.', link }];
}

function circuitFact({ endpoint, state, since, retryAt }: EndpointCircuit, now: Date): Markup {
  const name = isolated(endpoint);
  const change = when(since, now);
  if (state === 'half_open')
    return html`The circuit of ${name} became half-open ${change}: one call at a time is tried.`;
  const trial = retryAt === null || retryAt <= now ? null : html` Next trial call: ${when(retryAt, now)}.`;
  return html`The circuit of ${name} opened ${change}: calls are held back.${trial}`;
}

function ofGrants({ refreshTokensExpiring, expiryWarningMs, failing }: Attention): AttentionItem[] {
  const items: AttentionItem[] = [];
  // 0 disables the warnings of EXPIRY_WARNING_DAYS.
  if (refreshTokensExpiring.count > 0 && expiryWarningMs > 0) {
    const days = Math.round(expiryWarningMs / dayMs);
    items.push({
      kind: 'refresh_tokens_die',
      tone: 'warn',
      fact: html`${counted(refreshTokensExpiring, 'refresh token expires', 'refresh tokens expire')} within ${counted({ count: days, isComplete: true }, 'day')}.`,
      next: 'Let their people connect again before that, unless the provider prolongs them with each refresh.',
      link: {
        path: `/console/grants${queryOf({ status: 'completed', refresh_expires_within: String(days) })}`,
        label: 'Show the grants',
      },
    });
  }
  if (failing.count > 0)
    items.push({
      kind: 'refreshes_fail',
      tone: 'warn',
      fact: html`The last refresh of ${counted(failing, 'working grant')} failed.`,
      next: 'The broker tries again by itself, and serves the stored token while it lives.',
      link: { path: '/console/audit?action=grant.refresh_failed', label: 'Show failed refreshes' },
    });
  return items;
}

function unconfirmed(keyId: string): AttentionItem {
  return {
    kind: 'backup_unconfirmed',
    tone: 'warn',
    fact: html`No backup of the encryption key ${isolated(keyId)} is confirmed. Without the key, all stored tokens are lost.`,
    next: 'Keep a copy of the key apart from the database, then confirm it.',
    link: { path: '/console/encryption', label: 'Confirm a backup' },
  };
}
