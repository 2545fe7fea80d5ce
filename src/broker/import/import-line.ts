import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { BrokerErrorCode, Fault } from '../../domain/errors.ts';
import type { ImportedTokens } from '../grants/store-imported.ts';

/** Grant that one line of the input describes. */
export interface GrantToImport {
  organizationId: OrganizationId;
  connectionName: string;
  tokens: ImportedTokens;
}

/** Reason why a line imported nothing. */
export interface LineFailure {
  code: BrokerErrorCode | 'grant_exists' | 'verification_failed';
  errors: Fault[];
  /** Unexpected error behind internal_error, for the log. */
  cause?: unknown;
}

/** One line of the input: a grant, or the reason why the line could not be read. */
export type ImportLine = { line: number } & ({ grant: GrantToImport } | { failure: LineFailure });

export const importActions = ['created', 'replaced', 'unchanged', 'failed'] as const;
export type ImportAction = (typeof importActions)[number];

/** Outcome of one line. `failure` stands beside `created` and `replaced` if the stored grant failed its verification. */
export interface LineResult {
  line: number;
  action: ImportAction;
  grantId: string | null;
  failure: LineFailure | null;
}

export interface ImportOptions {
  /** Says what would happen to each line and writes nothing. Lines are not compared with earlier lines. */
  dryRun: boolean;
  /** Replaces working grants that hold other tokens. */
  replace: boolean;
  /** Verifies the first grant of each connection, and imports nothing more into a connection where it fails. */
  verify: boolean;
}
