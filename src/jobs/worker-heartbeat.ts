export interface WorkerHeartbeatOptions {
  /** Keeps one row for each worker. `isFirst` marks the start of a worker. */
  workers: { beat(id: string, isFirst: boolean): Promise<void>; remove(id: string): Promise<void> };
  /** Id of the instance. A process that continues an instance replaces the row of the ended one. */
  id: string;
  /** A worker that cannot reach the queue sends no heartbeat. */
  isWorking: () => boolean;
  onError: (error: unknown) => void;
}

export interface WorkerHeartbeat {
  /** Sends the first heartbeat. Resolves after it, even if it failed. */
  start(): Promise<void>;
  /** Removes the row, so that other processes notice the end at once. */
  stop(): Promise<void>;
}

/** Must stay well below the silence after which a worker counts as dead. */
const everyMs = 5_000;
/** How soon a heartbeat follows when the queue becomes reachable. */
const checkEveryMs = 500;

/** Reports to the other processes that this one runs jobs. */
export function createWorkerHeartbeat({ workers, id, isWorking, onError }: WorkerHeartbeatOptions): WorkerHeartbeat {
  let beatenAt: number | undefined;
  let sending: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function beat(): Promise<void> {
    const startedAt = performance.now();
    try {
      await workers.beat(id, beatenAt === undefined);
      beatenAt = startedAt;
    } catch (error) {
      onError(error);
    }
  }

  async function beatIfDue(): Promise<void> {
    const isDue = beatenAt === undefined || performance.now() - beatenAt >= everyMs;
    if (!isDue || !isWorking() || sending !== undefined) return;
    sending = beat();
    await sending;
    sending = undefined;
  }

  return {
    async start() {
      timer = setInterval(beatIfDue, checkEveryMs);
      await beatIfDue();
    },
    async stop() {
      clearInterval(timer);
      await sending;
      if (beatenAt !== undefined) await workers.remove(id).catch(onError);
    },
  };
}
