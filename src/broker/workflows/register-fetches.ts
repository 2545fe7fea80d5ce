import type { OnFetch } from '../../domain/grants/credential-fetch.ts';
import type { WorkflowFetch, WorkflowRegistrations } from '../../domain/ports/workflows.ts';

export interface RegisterFetches {
  /** Keeps the workflow of a fetch in memory, once for each connection. */
  onFetch: OnFetch;
  /**
   * Writes what is in memory. Rejects if the database refuses it: the next flush tries again. Called every few seconds,
   * and when the process ends. A killed process loses the fetches since the last flush; the next fetch registers again.
   */
  flush(): Promise<void>;
}

export interface RegisterFetchesDeps {
  registrations: WorkflowRegistrations;
  limits?: Partial<RegistrationLimits>;
}

export interface RegistrationLimits {
  /** Dependencies of one statement. More would hold a connection of the pool for longer than a request should wait. */
  batch: number;
  /** Dependencies that wait for the database, about 300 bytes each. Beyond it new ones wait for a later fetch. */
  waiting: number;
  /** Share of one organisation in them. Workflow ids without end, such as ids of runs, must not crowd out others. */
  waitingOfOne: number;
}

const defaults: RegistrationLimits = { batch: 1_000, waiting: 20_000, waitingOfOne: 5_000 };

/**
 * Registers the dependencies of workflows that fetch, without a statement on the way of a fetch. A fetch that found no
 * grant registers nothing: the workflow was served no connection.
 */
export function createRegisterFetches({ registrations, limits }: RegisterFetchesDeps): RegisterFetches {
  const { batch, waiting: maxWaiting, waitingOfOne } = { ...defaults, ...limits };
  const waiting = new Map<string, WorkflowFetch>();
  const counts = new Map<string | null, number>();
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  /** The newer of two fetches stays, with the newest name that is known. */
  function keep(key: string, next: WorkflowFetch): void {
    const held = waiting.get(key);
    if (held === undefined) {
      const count = counts.get(next.organizationId) ?? 0;
      if (waiting.size >= maxWaiting || count >= waitingOfOne) return;
      counts.set(next.organizationId, count + 1);
      waiting.set(key, next);
      return;
    }
    const [older, newer] = held.at > next.at ? [next, held] : [held, next];
    const name = newer.workflow.name ?? older.workflow.name;
    waiting.set(key, { ...newer, workflow: { id: newer.workflow.id, name } });
  }

  /** Removes the entries that have waited longest. */
  function take(count: number): [string, WorkflowFetch][] {
    const taken = [...waiting].slice(0, count);
    for (const [key, { organizationId }] of taken) {
      waiting.delete(key);
      const others = (counts.get(organizationId) ?? 1) - 1;
      if (others === 0) counts.delete(organizationId);
      else counts.set(organizationId, others);
    }
    return taken;
  }

  /** Writes what waits now. Fetches that come meanwhile wait: under load they would keep it writing without a pause. */
  async function write(): Promise<void> {
    for (let left = waiting.size; left > 0; left -= batch) {
      const taken = take(Math.min(batch, left));
      try {
        await registrations.registerAll(taken.map(([, fetch]) => fetch));
      } catch (error) {
        for (const [key, fetch] of [...taken, ...take(waiting.size)]) keep(key, fetch);
        throw error;
      }
    }
  }

  function start(): Promise<void> {
    running = write().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    onFetch({ actor: { organizationId }, connectionId, workflow, at }) {
      if (workflow === null || connectionId === null) return;
      keep(keyOf(organizationId, connectionId, workflow.id), { organizationId, connectionId, workflow, at });
    },
    flush() {
      if (running === null) return start();
      // The running write leaves what came since it began. The last flush of a process must leave nothing.
      next ??= running
        .catch(() => {})
        .then(() => {
          next = null;
          return start();
        });
      return next;
    },
  };
}

/** The part that separates the three is in no id. */
function keyOf(organizationId: string | null, connectionId: string, workflowId: string): string {
  return `${organizationId ?? ''} ${connectionId} ${workflowId}`;
}
