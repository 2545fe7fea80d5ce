import type { Connection } from '../../domain/connections/connection.ts';
import { isExpired } from '../../domain/grants/refresh-policy.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type {
  CheckableGrant,
  HealthChange,
  HealthRecord,
  ReplacedHealth,
} from '../../domain/ports/maintenance/health.ts';
import type { CallPriority, OAuthGateway, ProbeResult } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import { mayReceive, testUrlMoved } from '../known-origin.ts';
import { openClient, openTokens } from '../sealing.ts';

/** Result of one check. Without a record the check had no result, and the recorded health stays. */
export type Judgement = { record: HealthRecord } | { record: null; reason: string };

/**
 * Probes the live tokens of a connection's grants. Never refreshes a token, and never calls a provider for a grant that
 * failed. Returns the judgements by grant id, fewer than grants once `signal` has aborted.
 */
export type JudgeGrants = (
  page: { grants: readonly CheckableGrant[]; connection: Connection },
  priority: CallPriority,
  signal: AbortSignal,
) => Promise<Map<string, Judgement>>;

export interface JudgeGrantsDeps {
  oauth: Pick<OAuthGateway, 'probe' | 'endpoints'>;
  cipher: Cipher;
  clock: () => Date;
  /** Receives internal errors that prevent the check of a grant. */
  onError: (error: unknown) => void;
}

type Verdict = Pick<HealthRecord, 'health' | 'error'>;
type Outcome = Verdict | { health: null; reason: string };

/** Concurrent probes of one organisation. More would take connections from refreshes. */
const probesAtOnce = 4;

export function createJudgeGrants(deps: JudgeGrantsDeps): JudgeGrants {
  return async ({ grants, connection }, priority, signal) => {
    const judgements = new Map<string, Judgement>();
    const waiting = grants.values();
    async function judgeNext(): Promise<void> {
      for (const grant of waiting) {
        if (signal.aborted) return;
        const outcome = await judge(deps, grant, connection, priority).catch((error: unknown) => {
          deps.onError(error);
          return without('An internal error prevented the check.');
        });
        judgements.set(
          grant.id,
          outcome.health === null
            ? { record: null, reason: outcome.reason }
            : { record: { grantId: grant.id, version: grant.version, ...outcome } },
        );
      }
    }
    await Promise.all(Array.from({ length: probesAtOnce }, judgeNext));
    return judgements;
  };
}

export function recordsOf(judgements: ReadonlyMap<string, Judgement>): HealthRecord[] {
  return [...judgements.values()].flatMap(({ record }) => record ?? []);
}

/** Reports the grants whose health changed. */
export function reportChanges(
  onHealthChange: (change: HealthChange) => void,
  { grants, connection }: { grants: readonly CheckableGrant[]; connection: Connection },
  records: readonly HealthRecord[],
  replaced: readonly ReplacedHealth[],
): void {
  const earlierById = new Map(replaced.map((earlier) => [earlier.grantId, earlier]));
  const grantById = new Map(grants.map((grant) => [grant.id, grant]));
  for (const { grantId, health, error } of records) {
    const earlier = earlierById.get(grantId);
    const grant = grantById.get(grantId);
    if (earlier === undefined || grant === undefined || !isChange(earlier, { health, error })) continue;
    onHealthChange({ grant, connectionName: connection.name, health, error });
  }
}

/** A failed grant is reported when it fails: its verdict is no news, and it hides no later failure of a probe. */
function isChange(earlier: Omit<ReplacedHealth, 'grantId'>, { health, error }: Verdict): boolean {
  const wasUnhealthy = earlier.health === 'unhealthy';
  if (health === 'healthy') return wasUnhealthy;
  return !isOfFailedGrant(error) && (!wasUnhealthy || isOfFailedGrant(earlier.error));
}

const isOfFailedGrant = (error: string | null) => error?.startsWith('failed: ') === true;

async function judge(
  { oauth, cipher, clock }: JudgeGrantsDeps,
  grant: CheckableGrant,
  connection: Connection,
  priority: CallPriority,
): Promise<Outcome> {
  if (grant.status === 'failed') return unhealthy('failed', grant.statusReason ?? 'The connection has failed.');
  if (grant.sealedTokens === null || grant.metadata === null) return without('There is no token to test.');
  if (isExpired(grant.metadata, clock())) {
    // The sweep or the next reader refreshes it. A health check spends no refresh token.
    return grant.metadata.refreshable
      ? without('The access token has expired. The next fetch or sweep refreshes it.')
      : unhealthy('expired', 'There is nothing to refresh the token with.');
  }
  if (!mayReceive(oauth, 'testUrl', connection.settings, grant.origins)) return without(testUrlMoved);
  try {
    const tokens = openTokens(cipher, grant, grant.sealedTokens);
    return outcomeOf(await oauth.probe(openClient(cipher, connection, grant.organizationId), tokens, priority));
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return unhealthy('unreachable', error.message);
  }
}

/** Classifies a failed probe. A rejected token needs a person; an unavailable provider needs time. */
function outcomeOf({ result, message, httpStatus }: ProbeResult): Outcome {
  if (result === 'skipped') return without(message);
  if (result === 'success') return { health: 'healthy', error: null };
  if (httpStatus === null) return unhealthy('unreachable', message);
  return unhealthy(httpStatus === 429 || httpStatus >= 500 ? 'unavailable' : 'rejected', message);
}

/** First word of an error. */
export type HealthErrorKind = 'rejected' | 'unreachable' | 'unavailable' | 'expired' | 'failed';

function unhealthy(kind: HealthErrorKind, message: string): Verdict {
  return { health: 'unhealthy', error: `${kind}: ${message}` };
}

function without(reason: string): Outcome {
  return { health: null, reason };
}
