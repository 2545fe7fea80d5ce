import { plainStart, type StartAuthorization } from '../../broker/authorizations/start-authorization.ts';
import type { RefreshOnDemand } from '../../broker/grants/refresh-on-demand.ts';
import type { TestConnection, TestReport } from '../../broker/grants/test-connection.ts';
import { noSuchConnection } from '../../broker/no-such-connection.ts';
import { type AccessForOrganization, accessOf, authorize } from '../../domain/callers/access.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import type { ConnectionPlace } from '../../domain/console/console-pages.ts';
import { type BrokerError, isBrokerError } from '../../domain/errors.ts';
import type { Visit } from '../server/visit.ts';

export interface BulkUseCases {
  testConnection: TestConnection;
  refreshOnDemand: RefreshOnDemand;
  startAuthorization: StartAuthorization;
}

export const actNames = ['test', 'refresh', 'reconnect'] as const;
export type ActName = (typeof actNames)[number];

/** Outcome of an act on one connection. */
export type Outcome =
  | { kind: 'tested'; report: TestReport }
  | { kind: 'refreshed'; expiresAt: Date | null }
  | { kind: 'link'; url: string; expiresAt: Date }
  | { kind: 'refused'; error: BrokerError };

export interface BulkAct {
  label: string;
  /** Last part of the path of the API's operation. */
  path: string;
  /** Body of the API's operation. */
  body?: Record<string, unknown>;
  access: AccessForOrganization;
  run: (useCases: BulkUseCases, actor: Actor, name: string) => Promise<Outcome>;
}

/** Seconds for which a link of a bulk act can be used, one day: it is sent to a person and opened later. */
export const linkSeconds = 86_400;
/** Rows at once. Each may call a provider, and a whole page must end before a proxy gives up. */
const rowsAtOnce = 10;
const anyGrant = { subject: null, accountId: null };

export const bulkActs: Readonly<Record<ActName, BulkAct>> = {
  test: {
    label: 'Test',
    path: 'test',
    access: accessOf.testConnection,
    run: async ({ testConnection }, actor, name) => ({
      kind: 'tested',
      report: await testConnection(actor, name, anyGrant),
    }),
  },
  refresh: {
    label: 'Refresh',
    path: 'refresh',
    access: accessOf.refreshGrant,
    run: async ({ refreshOnDemand }, actor, name) => {
      const { metadata } = await refreshOnDemand(actor, name, anyGrant);
      return { kind: 'refreshed', expiresAt: metadata?.expiresAt ?? null };
    },
  },
  reconnect: {
    label: 'Ask to reconnect',
    path: 'authorize',
    body: { expires_in: linkSeconds },
    access: accessOf.startAuthorization,
    run: async ({ startAuthorization }, actor, name) => {
      const { authorizationUrl: url, expiresAt } = await startAuthorization(actor, name, {
        ...plainStart,
        expiresInSeconds: linkSeconds,
      });
      return { kind: 'link', url, expiresAt };
    },
  },
};

export interface RowResult {
  row: ConnectionPlace;
  outcome: Outcome;
}

/** Acts on rows, in their order. A refusal of one row ends no other. */
export async function actOnRows(
  useCases: BulkUseCases,
  visit: Visit,
  name: ActName,
  rows: readonly ConnectionPlace[],
): Promise<RowResult[]> {
  const results = rows.map((row): { row: ConnectionPlace; outcome?: Outcome } => ({ row }));
  const waiting = [...results];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      next.outcome = await actOnRow(useCases, visit, bulkActs[name], next.row);
    }
  };
  await Promise.all(Array.from({ length: rowsAtOnce }, lane));
  return results.flatMap(({ row, outcome }) => (outcome === undefined ? [] : [{ row, outcome }]));
}

async function actOnRow(
  useCases: BulkUseCases,
  { caller, trace }: Visit,
  { access, run }: BulkAct,
  { name, organizationId }: ConnectionPlace,
): Promise<Outcome> {
  try {
    return await run(
      useCases,
      actorOf(() => authorize(caller, access, organizationId, trace), name),
      name,
    );
  } catch (error) {
    if (!isBrokerError(error)) throw error;
    return { kind: 'refused', error };
  }
}

/** A connection of an organisation beyond the visitor is refused like one that does not exist. */
function actorOf(select: () => Actor, name: string): Actor {
  try {
    return select();
  } catch (error) {
    throw isBrokerError(error, 'forbidden') ? noSuchConnection(name) : error;
  }
}
