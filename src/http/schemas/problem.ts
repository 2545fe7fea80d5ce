import { z } from 'zod';
import type { BrokerErrorCode, BrokerErrorDetails } from '../../domain/errors.ts';
import { grantStatuses, statusReasons } from '../../domain/grant.ts';
import { problems } from '../problem.ts';

const none = z.object({});
const retryAfter = z.number().describe('Seconds; the same as the Retry-After header.');

/** The extension members of each code. */
const members = {
  invalid_request: z.object({
    errors: z.array(z.object({ path: z.string(), message: z.string() })).describe('Every fault, by dotted path.'),
  }),
  client_secret_required: z.object({ changed: z.array(z.string()).describe('The fields whose change needs it.') }),
  flow_not_interactive: none,
  not_refreshable: none,
  min_ttl_unsatisfiable: z.object({ lifetime: z.number().nullable().describe('Seconds the last token was given.') }),
  dependent_workflows: z.object({
    dependent_workflows: z.array(z.object({ workflow_id: z.string(), workflow_name: z.string().nullable() })),
  }),
  unauthorized: none,
  forbidden: z.object({ required_permission: z.string().exactOptional() }),
  insufficient_scope: z.object({ missing_scopes: z.array(z.string()) }),
  workflow_disabled: z.object({ reason: z.string().nullable() }),
  not_found: none,
  connection_not_found: none,
  grant_not_found: none,
  connection_exists: none,
  account_ambiguous: z.object({ accounts: z.array(z.string()) }),
  precondition_failed: none,
  payload_too_large: none,
  unsupported_media_type: none,
  rate_limited: z.object({ retry_after: retryAfter }),
  connection_not_ready: z.object({
    connection_status: z.enum(grantStatuses),
    status_reason: z.enum(statusReasons).nullable(),
    status_message: z.string().nullable(),
    retry_after: retryAfter.exactOptional(),
  }),
  provider_unavailable: z.object({ retry_after: retryAfter }),
  service_unavailable: z.object({ retry_after: retryAfter }),
  internal_error: none,
} satisfies { [C in BrokerErrorCode]: z.ZodType<BrokerErrorDetails[C]> };

export const problemCodes = Object.keys(members) as BrokerErrorCode[];

/** `Problem_connection_not_found` and so on: one schema a code, so that a client can tell them apart by `code`. */
export const problemSchemas: ReadonlyMap<BrokerErrorCode, z.ZodType> = new Map(
  problemCodes.map((code) => [
    code,
    z
      .object({
        type: z.string().meta({ openapi: { type: 'string', format: 'uri-reference' } }),
        title: z.string(),
        status: z.literal(problems[code].status),
        detail: z.string(),
        instance: z.string().describe('The request id.'),
        code: z.literal(code),
        ...members[code].shape,
      })
      .meta({ id: `Problem_${code}`, description: problems[code].title }),
  ]),
);
