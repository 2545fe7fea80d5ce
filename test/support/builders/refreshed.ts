import { v7 } from 'uuid';
import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { SpooledTokens } from '../../../src/domain/ports/spool.ts';
import { aConnection } from './connection.ts';
import { tokensUntil } from './grant.ts';

/** The audit event of a successful refresh. */
export function anEvent(connection: Connection, grantId: string): AuditEvent {
  return {
    time: new Date(),
    actor: 'broker',
    action: 'grant.refreshed',
    organizationId: connection.organizationId,
    connectionId: connection.id,
    connectionName: connection.name,
    grantId,
    outcome: 'success',
    details: {},
    requestId: null,
    address: null,
  };
}

/** Refreshed tokens with every optional value set. */
export function aSpoolEntry(changes: Partial<SpooledTokens> = {}): SpooledTokens {
  const connection = aConnection('acme', 'spooled');
  const id = v7();
  return {
    owner: 'instance/nonce',
    base: { id, connectionId: connection.id, organizationId: 'acme', version: 3 },
    tokens: tokensUntil(new Date('2030-01-01T00:00:00.123Z'), {
      refreshExpiresAt: new Date('2031-01-01'),
      keepAliveAt: new Date('2030-06-01'),
    }),
    event: { ...anEvent(connection, id), details: { attempt: 1, scopes: ['a', 'b'], none: null, ok: true } },
    ...changes,
  };
}

/** Compares sealed bytes as bytes, whatever class holds them. */
export function withPlainBytes(entry: SpooledTokens): SpooledTokens {
  return { ...entry, tokens: { ...entry.tokens, sealed: new Uint8Array(entry.tokens.sealed) } };
}
