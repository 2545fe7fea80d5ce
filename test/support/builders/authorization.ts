import { randomBytes } from 'node:crypto';
import type { Authorization } from '../../../src/domain/authorization.ts';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import { minutesFromNow } from './grant.ts';

/** A pending authorization of the organisation that owns the connection. */
export function anAuthorization(connection: Connection, changes: Partial<Authorization> = {}): Authorization {
  return {
    stateHash: randomBytes(32).toString('base64url'),
    connectionId: connection.id,
    configVersion: connection.configVersion,
    organizationId: connection.organizationId,
    subject: null,
    subjectLabel: null,
    accountId: null,
    allowAccountChange: false,
    expectedAccount: null,
    binding: null,
    waiting: null,
    scopes: ['read'],
    loginHint: null,
    prompt: null,
    returnUrl: null,
    clientState: null,
    redirectUri: 'https://broker.example/callback/x',
    sealedVerifier: randomBytes(16),
    browserHash: null,
    callbackHash: null,
    status: 'pending',
    statusReason: null,
    statusMessage: null,
    error: null,
    errorDescription: null,
    connectedAccountId: null,
    connectedAccountName: null,
    details: null,
    createdBy: 'bootstrap',
    createdAt: new Date(),
    expiresAt: minutesFromNow(15),
    ...changes,
  };
}
