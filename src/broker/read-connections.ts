import type { Actor } from '../domain/caller.ts';
import type { ConnectionFilter } from '../domain/ports/stores.ts';
import type { ConnectionView } from './connection-view.ts';

/** Throws connection_not_found. */
export type GetConnection = (actor: Actor, name: string) => Promise<ConnectionView>;

export type ListConnections = (
  actor: Actor,
  filter: ConnectionFilter,
) => Promise<{ connections: ConnectionView[]; count: number; nextCursor: string | null }>;
