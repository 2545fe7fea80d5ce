import { nextActionOfFailure } from '../../domain/failed-authorization.ts';
import type { LastError } from '../../domain/grants/grant.ts';
import { nextRefreshAt } from '../../domain/grants/refresh-policy.ts';
import { connectionWarnings, grantWarnings, type Warning, type WarningPolicy } from '../../domain/grants/warnings.ts';
import { type NextAction, nextAction } from '../../domain/next-action.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { RedirectUriOf } from '../redirect-uri.ts';

/** A connection as an administrator sees it: the record, and values derived from it and from the configuration. */
export interface ConnectionView extends ConnectionRecord {
  /** Effective URLs: the connection's own, else the template's. */
  authorizationUrl: string | null;
  tokenUrl: string | null;
  revocationUrl: string | null;
  testUrl: string | null;
  /** Redirect URI to register at the provider. It depends on the connection's owner, not on the caller. */
  redirectUri: string;
  nextRefreshAt: Date | null;
  nextAction: NextAction;
  /** Last failed refresh of the served grant, or the failed token request of the latest authorization. */
  lastError: LastError | null;
  /** Warnings of the connection and of the served grant. */
  warnings: Warning[];
}

export interface ViewConnectionDeps {
  oauth: Pick<OAuthGateway, 'endpoints'>;
  redirectUriOf: RedirectUriOf;
  policy: WarningPolicy;
  clock: () => Date;
}

export type ViewConnection = (record: ConnectionRecord) => ConnectionView;

export function createViewConnection({ oauth, redirectUriOf, policy, clock }: ViewConnectionDeps): ViewConnection {
  return (record) => ({
    ...record,
    ...oauth.endpoints(record.connection.settings),
    redirectUri: redirectUriOf(record.connection),
    nextRefreshAt: record.served === null ? null : nextRefreshAt(record.served, policy.schedule),
    nextAction: nextAction({
      status: record.status,
      reason: record.statusReason,
      flow: record.connection.settings.flow,
      isRetried: (record.served?.retryAt ?? null) !== null,
      afterAuthorization: nextActionOfFailure(record.failure, record.connection),
    }),
    lastError: (record.served ?? record.failure)?.lastError ?? null,
    warnings:
      record.served === null
        ? connectionWarnings(record.connection)
        : grantWarnings(record.served, record.connection, policy, clock()),
  });
}
