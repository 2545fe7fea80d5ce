import pLimit from 'p-limit';

export interface Lot {
  grantIds: readonly string[];
  sweepId: string | null;
}

export interface RunLotDeps {
  refresh: (grantId: string, sweepId: string | null) => Promise<void>;
  /** Over all lots of this process. */
  atOnce: number;
  ending: AbortSignal;
  onFailed: (grantId: string, error: unknown) => void;
}

/** The process ended before every grant of the lot had its turn: another process is to take what is left. */
export class LotCutShort extends Error {
  constructor() {
    super('The process ended before the lot did.');
  }
}

/**
 * Refreshes the grants of a lot, each by itself: one that fails stops no other. Once the process ends no further one is
 * begun; `keep` is then given those that were not, and what comes after it is a LotCutShort.
 */
export function createRunLot({ refresh, atOnce, ending, onFailed }: RunLotDeps) {
  const inTurn = pLimit(atOnce);

  return async ({ grantIds, sweepId }: Lot, keep: (left: string[]) => Promise<void>): Promise<void> => {
    const left: string[] = [];
    await inTurn.map(grantIds, async (grantId) => {
      if (ending.aborted) {
        left.push(grantId);
        return;
      }
      try {
        await refresh(grantId, sweepId);
      } catch (error) {
        onFailed(grantId, error);
      }
    });
    if (left.length === 0) return;
    await keep(left);
    throw new LotCutShort();
  };
}
