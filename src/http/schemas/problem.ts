import { z } from 'zod';
import type { BrokerErrorCode, BrokerErrorDetails } from '../../domain/errors.ts';
import { grantStatuses, statusReasons } from '../../domain/grants/grant.ts';
import { nextActions } from '../../domain/next-action.ts';
import { nextActionByCode } from '../../domain/next-action-of-refusal.ts';
import { problems } from '../problem.ts';

const none = z.object({});
const nextAction = z
  .enum(nextActions)
  .describe(
    'Who must act: a person (authorize), an administrator (reconfigure), the broker or the provider (wait: see Retry-After), or none.',
  );
const retryAfter = z.number().describe('Seconds to wait before the next attempt; equals the Retry-After header.');

/** Extension members of each code. */
const members = {
  invalid_request: z.object({
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .describe('Every fault; `path` is the dotted path of the value.'),
  }),
  client_secret_required: z.object({
    changed: z.array(z.string()).describe('The fields whose change requires client_secret.'),
  }),
  would_disconnect: z.object({
    grants: z.number().int().describe('Working grants whose tokens the edit would drop.'),
    organizations: z.number().int().describe('Owners of these grants; the global scope counts as one.'),
  }),
  dependent_workflows: z.object({
    dependent_workflows: z
      .array(z.object({ workflow_id: z.string(), workflow_name: z.string().nullable() }))
      .describe('Workflows of the organisations that the caller may act for.'),
  }),
  flow_not_interactive: none,
  not_refreshable: z.object({ next_action: nextAction }),
  min_ttl_unsatisfiable: z.object({
    lifetime: z.number().nullable().describe('Lifetime of the last token in seconds; null if unknown.'),
  }),
  request_timeout: none,
  unauthorized: none,
  forbidden: z.object({ required_permission: z.string().exactOptional() }),
  import_not_allowed: none,
  workflow_disabled: z.object({
    disabled_reason: z.string(),
    disabled_at: z.string().meta({ openapi: { type: 'string', format: 'date-time' } }),
    connection_name: z.string().nullable().describe('Connection whose deletion disabled the workflow.'),
  }),
  insufficient_scope: z.object({ missing_scopes: z.array(z.string()), next_action: nextAction }),
  not_found: none,
  method_not_allowed: z.object({ allow: z.array(z.string()) }),
  connection_not_found: none,
  grant_not_found: z.object({ next_action: nextAction }),
  connection_exists: none,
  confirmation_refused: z.object({
    status_reason: z
      .enum(statusReasons)
      .nullable()
      .describe('Reason of an authorization that has ended without a grant; null for one that has not.'),
    next_action: nextAction,
  }),
  account_ambiguous: z.object({
    accounts: z.array(z.string()).describe('Ids of the accounts, at most 20. An account without an id is left out.'),
    account_names: z
      .record(z.string(), z.string().nullable())
      .describe('Name of each account at the provider, by its id; null if the provider gave none.'),
  }),
  data_key_in_use: z.object({
    values: z.record(z.string(), z.int()).describe('Number of stored values sealed under the key, by column.'),
    processes: z
      .array(z.object({ id: z.string(), host: z.string(), is_live: z.boolean() }))
      .describe('Processes that seal with the key, or may hold unsaved tokens under it.'),
    retirable_from: z
      .string()
      .nullable()
      .meta({ openapi: { type: ['string', 'null'], format: 'date-time' } })
      .describe('Time from which values on their way no longer count. Null while the key seals.'),
  }),
  precondition_failed: none,
  payload_too_large: none,
  unsupported_media_type: none,
  rate_limited: z.object({ retry_after: retryAfter }),
  connection_not_ready: z.object({
    connection_status: z.enum(grantStatuses),
    status_reason: z.enum(statusReasons).nullable(),
    status_message: z.string().nullable(),
    next_action: nextAction,
    retry_after: retryAfter.exactOptional(),
  }),
  provider_unavailable: z.object({ retry_after: retryAfter }),
  service_unavailable: z.object({ retry_after: retryAfter }),
  internal_error: none,
} satisfies { [C in BrokerErrorCode]: z.ZodType<BrokerErrorDetails[C]> };

export const problemCodes = Object.keys(members) as BrokerErrorCode[];

/** One schema for each code, such as `Problem_connection_not_found`. Clients tell them apart by `code`. */
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
        ...(nextActionByCode[code] !== undefined && { next_action: nextAction }),
      })
      .meta({ id: `Problem_${code}`, description: `${problems[code].title}. ${problems[code].meaning}` }),
  ]),
);
