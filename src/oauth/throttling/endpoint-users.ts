import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { ProviderCaller } from '../../domain/ports/oauth.ts';

/** Connections that use one endpoint, each with its last failure. A global connection counts once for each organisation. */
export interface EndpointUsers {
  note(caller: ProviderCaller): void;
  succeeded(caller: ProviderCaller): void;
  failed(caller: ProviderCaller): void;
  /** Returns the time of the caller's last failure; undefined if it has succeeded since, or never failed. */
  failedAt(caller: ProviderCaller): number | undefined;
  /**
   * Returns true if failures since `since` come from two organisations, or from every connection that uses the
   * endpoint: failures of one organisation among several say nothing about the endpoint.
   */
  agreeOnFailure(since: number): boolean;
  /** Returns true if failures since `since` come from one organisation only, and another one uses the endpoint too. */
  differOnFailure(since: number): boolean;
}

interface User {
  seenAt: number;
  failedAt: number | undefined;
}

/** Time after its last call in which a connection counts as a user of the endpoint, one hour: two sweeps. */
const userMs = 60 * 60_000;
/** Maximum organisations of an endpoint. Beyond it the one that called least recently is dropped. */
const maxOrganizations = 1000;
/** Maximum connections of an organisation. A shared maximum would let one organisation drop the users of another. */
const maxConnections = 100;

export function createEndpointUsers(elapsedMs: () => number): EndpointUsers {
  const organizations = new Map<OrganizationId, Map<string, User>>();

  function find({ organizationId, connectionId }: ProviderCaller): User | undefined {
    return organizations.get(organizationId)?.get(connectionId);
  }

  function set({ organizationId, connectionId }: ProviderCaller, user: User): void {
    const connections = organizations.get(organizationId) ?? new Map<string, User>();
    putLast(connections, connectionId, user, maxConnections);
    putLast(organizations, organizationId, connections, maxOrganizations);
  }

  function usersByOrganization(): User[][] {
    return [...organizations.values()]
      .map((connections) => [...connections.values()].filter(({ seenAt }) => seenAt > elapsedMs() - userMs))
      .filter((users) => users.length > 0);
  }

  return {
    note: (caller) => set(caller, { seenAt: elapsedMs(), failedAt: find(caller)?.failedAt }),
    succeeded: (caller) => set(caller, { seenAt: elapsedMs(), failedAt: undefined }),
    failed: (caller) => set(caller, { seenAt: elapsedMs(), failedAt: elapsedMs() }),
    failedAt: (caller) => find(caller)?.failedAt,
    agreeOnFailure(since) {
      const using = usersByOrganization();
      const failing = using.filter((users) => users.some(failedSince(since)));
      return failing.length > 1 || (using.length === 1 && using.every((users) => users.every(failedSince(since))));
    },
    differOnFailure(since) {
      const using = usersByOrganization();
      return using.length > 1 && using.filter((users) => users.some(failedSince(since))).length < 2;
    },
  };
}

function failedSince(since: number): (user: User) => boolean {
  return ({ failedAt }) => failedAt !== undefined && failedAt >= since;
}

/** Sets an entry as the most recent one, and drops the oldest beyond `max`. */
function putLast<K, V>(entries: Map<K, V>, key: K, value: V, max: number): void {
  entries.delete(key);
  entries.set(key, value);
  if (entries.size <= max) return;
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}
