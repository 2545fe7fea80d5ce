import { type RawBuilder, sql } from 'kysely';
import type { GrantArrival } from '../../domain/ports/grants.ts';
import { healthyColumns, newRefreshToken, notRevoked, originColumns, tokenColumns } from './grant-rows.ts';

/** Column values of a token set that arrives from outside the refresh engine. */
export function arrivalColumns(arrival: GrantArrival) {
  const { slot, multiAccount, accountName, accountVerified, tokens, requestedScopes, origins, testedAt, now } = arrival;
  return {
    ...tokenColumns(tokens),
    ...healthyColumns,
    ...newRefreshToken,
    ...notRevoked,
    ...originColumns(origins),
    account_id: slot.accountId,
    account_name: accountName,
    account_verified: accountVerified,
    slot_account_id: multiAccount ? slot.accountId : null,
    requested_scopes: [...requestedScopes],
    last_test_at: testedAt,
    health: testedAt === null ? null : ('healthy' as const),
    health_error: null,
    updated_at: now,
  };
}

/** Keeps the origin that a grant's present tokens came under. A grant without tokens takes the inserted one. */
export function originBehindTokens(column: 'test_origin' | 'revocation_origin'): RawBuilder<string | null> {
  return sql<string | null>`
    case when grants.sealed_tokens is null then excluded.${sql.ref(column)} else grants.${sql.ref(column)} end`;
}
