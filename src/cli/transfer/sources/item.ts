import type { NewConnection } from '../../../client/token-broker.ts';
import type { GrantLine } from '../grant-line.ts';

/** One thing of another system, and what it becomes. `from` names it there and holds no secret. */
export type Item =
  | { kind: 'grant'; from: string; connection: NewConnection; grant: GrantLine }
  /** A connection whose grant the broker obtains by itself. */
  | { kind: 'connection'; from: string; connection: NewConnection }
  | { kind: 'unmapped'; from: string; reason: string; isFailure: boolean };

/** Something that the broker has no place for. */
export const unmapped = (from: string, reason: string): Item => ({ kind: 'unmapped', from, reason, isFailure: false });

/** A grant that the broker could hold and does not get. */
export const missing = (from: string, reason: string): Item => ({ kind: 'unmapped', from, reason, isFailure: true });
