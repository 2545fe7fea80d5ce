import { expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type * as authorization from '../../../src/client/types/authorization.ts';
import type * as connection from '../../../src/client/types/connection.ts';
import type * as credential from '../../../src/client/types/credential.ts';
import type * as grant from '../../../src/client/types/grant.ts';
import type { ProblemCode } from '../../../src/client/types/problem.ts';
import type { BrokerErrorCode } from '../../../src/domain/errors.ts';
import type * as contract from '../../../src/http/contract/connections.ts';
import type { listGrants } from '../../../src/http/contract/grants.ts';
import type * as authorizations from '../../../src/http/schemas/authorizations.ts';
import type { changePreview } from '../../../src/http/schemas/change-preview.ts';
import type * as inputs from '../../../src/http/schemas/connection-input.ts';
import type * as connections from '../../../src/http/schemas/connections.ts';
import type * as credentials from '../../../src/http/schemas/credentials.ts';
import type { explanation } from '../../../src/http/schemas/explanation.ts';
import type * as grants from '../../../src/http/schemas/grants.ts';

/** A response as it is sent. */
type Sent<S extends z.ZodType> = z.output<S>;
/** A request body as the schema accepts it. */
type Accepted<S extends z.ZodType> = z.input<S>;
/** Names of the query parameters of a route. Their values are text there and numbers or booleans in the client. */
type QueryOf<R extends { query?: z.ZodType }> = keyof z.input<NonNullable<R['query']>>;

test('responses of the client are those of the contract, in both directions', () => {
  expectTypeOf<credential.Credential>().toEqualTypeOf<Sent<typeof credentials.credential>>();
  expectTypeOf<credential.RenewedCredential>().toEqualTypeOf<Sent<typeof credentials.renewedCredential>>();
  expectTypeOf<credential.Explanation>().toEqualTypeOf<Sent<typeof explanation>>();
  expectTypeOf<connection.Connection>().toEqualTypeOf<Sent<typeof connections.connectionDetail>>();
  expectTypeOf<connection.ConnectionSummary>().toEqualTypeOf<Sent<typeof connections.connectionSummary>>();
  expectTypeOf<connection.ConnectionList>().toEqualTypeOf<Sent<typeof connections.connectionList>>();
  expectTypeOf<connection.DeletedConnection>().toEqualTypeOf<Sent<typeof connections.deletedConnection>>();
  expectTypeOf<connection.ChangePreview>().toEqualTypeOf<Sent<typeof changePreview>>();
  expectTypeOf<grant.Grant>().toEqualTypeOf<Sent<typeof grants.grantSummary>>();
  expectTypeOf<grant.GrantList>().toEqualTypeOf<Sent<typeof grants.grantList>>();
  expectTypeOf<grant.RevokedGrants>().toEqualTypeOf<Sent<typeof grants.revokedGrants>>();
  expectTypeOf<grant.TestReport>().toEqualTypeOf<Sent<typeof grants.testReport>>();
  expectTypeOf<authorization.StartedAuthorization>().toEqualTypeOf<Sent<typeof authorizations.startedAuthorization>>();
  expectTypeOf<authorization.AuthorizationProgress>().toEqualTypeOf<
    Sent<typeof authorizations.authorizationProgress>
  >();
  expectTypeOf<authorization.Cancelled>().toEqualTypeOf<Sent<typeof authorizations.cancelled>>();
});

test('request bodies of the client are those of the contract, in both directions', () => {
  expectTypeOf<connection.NewConnection>().toEqualTypeOf<Accepted<typeof inputs.newConnection>>();
  expectTypeOf<connection.ConnectionReplacement>().toEqualTypeOf<Accepted<typeof inputs.connectionReplacement>>();
  expectTypeOf<connection.ConnectionPatch>().toEqualTypeOf<Accepted<typeof inputs.connectionPatch>>();
  expectTypeOf<grant.GrantSelector>().toEqualTypeOf<Accepted<typeof grants.grantSelector>>();
  expectTypeOf<grant.GrantRevocation>().toEqualTypeOf<Accepted<typeof grants.grantRevocation>>();
  expectTypeOf<grant.ImportedTokens>().toEqualTypeOf<Accepted<typeof grants.importedTokens>>();
  expectTypeOf<authorization.AuthorizationStart>().toEqualTypeOf<Accepted<typeof authorizations.authorizationStart>>();
  expectTypeOf<authorization.Confirmation>().toEqualTypeOf<Accepted<typeof authorizations.confirmation>>();
  expectTypeOf<authorization.Cancellation>().toEqualTypeOf<Accepted<typeof authorizations.cancellation>>();
});

test('queries of lists have the parameters of the contract', () => {
  expectTypeOf<keyof connection.ConnectionListQuery>().toEqualTypeOf<QueryOf<typeof contract.listConnections>>();
  expectTypeOf<keyof grant.GrantListQuery>().toEqualTypeOf<QueryOf<typeof listGrants>>();
});

test('the codes of problems are those of the broker', () => {
  expectTypeOf<ProblemCode>().toEqualTypeOf<BrokerErrorCode>();
});
