import { z } from 'zod';
import type { ImportSummary } from '../../../broker/import/import-grants.ts';
import { type GrantToImport, importActions, type LineResult } from '../../../broker/import/import-line.ts';
import { organizationIdPattern } from '../../../domain/connections/connection.ts';
import { connectionName } from '../fields/text.ts';
import { importedTokens, toImportedTokens } from '../grants.ts';

export const importLine = importedTokens
  .safeExtend({
    connection_name: connectionName.describe('The organisation’s own connection of that name, else the global one.'),
    organization_id: z
      .string()
      .regex(organizationIdPattern, 'is not an organisation id')
      .nullish()
      .describe('Owner of the grant. Absent: the global scope, whose grants are shared.'),
    verify: z.literal(false).default(false).describe('Not available on a line; use the query parameter verify.'),
  })
  .meta({ id: 'ImportLine' });

export function toGrantToImport(line: z.output<typeof importLine>, now: Date): GrantToImport {
  return {
    organizationId: line.organization_id ?? null,
    connectionName: line.connection_name,
    tokens: toImportedTokens(line, now),
  };
}

const lineResult = z
  .object({
    line: z.number().int().describe('Number of the line in the request, from 1. Blank lines count and have no result.'),
    action: z
      .enum(importActions)
      .describe('With dry_run: what would happen. A failed line changed nothing, and the lines after it are read.'),
    code: z
      .string()
      .nullable()
      .describe(
        'Null if the line has no fault. An error code of the single import, payload_too_large, grant_exists (the slot holds a working grant with other tokens), or verification_failed (beside created, replaced or unchanged: this grant was verified and does not work; beside failed: an earlier grant of the connection was).',
      ),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
    grant_id: z.string().nullable(),
  })
  .meta({ id: 'ImportLineResult' });

const count = z.number().int();
const importSummary = z
  .object({
    done: z.literal(true),
    lines: count.describe('Lines with a result.'),
    created: count,
    replaced: count,
    unchanged: count,
    failed: count,
  })
  .meta({ id: 'ImportSummary' });

/** One line of the response. */
export const importOutput = z.union([lineResult, importSummary]);

export function fromLineResult({ line, action, grantId, failure }: LineResult): z.input<typeof lineResult> {
  return { line, action, code: failure?.code ?? null, errors: failure?.errors ?? [], grant_id: grantId };
}

export function fromSummary({
  lines,
  created,
  replaced,
  unchanged,
  failed,
}: ImportSummary): z.input<typeof importSummary> {
  return { done: true, lines, created, replaced, unchanged, failed };
}
