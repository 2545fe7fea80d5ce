import { z } from 'zod';
import type { NewApiKey } from '../../../broker/callers/create-api-key.ts';
import type { ApiKey } from '../../../domain/callers/api-key.ts';
import { permissions } from '../../../domain/callers/caller.ts';
import { organizationIdPattern } from '../../../domain/connections/connection.ts';
import { instant, isoOrNull, line, time, timeOrNull } from '../fields/text.ts';

const organizationId = z.string().regex(organizationIdPattern, 'is not an organisation id');
const organizations = z.union([z.literal('*'), z.array(organizationId).max(1000)]);

/** Far beyond what one process serves, and within the integer of the column. */
const maxRateLimit = 100_000_000;

export const newApiKey = z
  .strictObject({
    name: line(200),
    permissions: z.array(z.enum(permissions)).min(1).max(permissions.length),
    organizations: organizations.describe('Ids of the organisations the key may act for, or "*" for all.'),
    global: z.boolean().nullish().describe('Whether the key may act in the global scope. Default: false.'),
    connections: z
      .array(z.string().regex(/^[a-zA-Z0-9_*-]{1,100}$/, 'is not a pattern of connection names'))
      .min(1)
      .max(1000)
      .nullish()
      .describe(
        'Names of the connections whose credentials the key may read; `*` matches any characters. Default: all.',
      ),
    expires_at: instant
      .nullish()
      .describe('Time at which the key stops working. Default: never. Bounded by the expiry of the caller.'),
    rate_limit_per_minute: z
      .int()
      .min(1)
      .max(maxRateLimit)
      .nullish()
      .describe(
        'Requests that each process of the broker accepts with the key in a minute. Default: no limit. Bounded by the limit of the caller.',
      ),
  })
  .meta({ id: 'NewApiKey' });

export const apiKeySummary = z
  .object({
    id: z.string(),
    name: z.string(),
    permissions: z.array(z.enum(permissions)),
    organizations: z.union([z.literal('*'), z.array(z.string())]),
    global: z.boolean(),
    connections: z.array(z.string()).nullable(),
    created_by: z.string(),
    created_at: time,
    expires_at: timeOrNull,
    rate_limit_per_minute: z.int().nullable(),
    last_used_at: timeOrNull,
    revoked_at: timeOrNull,
  })
  .meta({ id: 'ApiKey' });

export const createdApiKey = apiKeySummary
  .extend({ key: z.string().describe('The secret to send as bearer token. Only this response contains it.') })
  .meta({ id: 'CreatedApiKey' });

export const apiKeyList = z.object({ api_keys: z.array(apiKeySummary) }).meta({ id: 'ApiKeyList' });

export function toNewApiKey(body: z.output<typeof newApiKey>): NewApiKey {
  return {
    name: body.name,
    permissions: [...new Set(body.permissions)],
    organizations: body.organizations === '*' ? '*' : [...new Set(body.organizations)],
    global: body.global ?? false,
    connections: body.connections ?? null,
    expiresAt: body.expires_at ?? null,
    rateLimitPerMinute: body.rate_limit_per_minute ?? null,
  };
}

export function fromApiKey(key: ApiKey): z.input<typeof apiKeySummary> {
  return {
    id: key.id,
    name: key.name,
    permissions: key.permissions,
    organizations: key.organizations === '*' ? '*' : [...key.organizations],
    global: key.global,
    connections: key.connections,
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    expires_at: isoOrNull(key.expiresAt),
    rate_limit_per_minute: key.rateLimitPerMinute,
    last_used_at: isoOrNull(key.lastUsedAt),
    revoked_at: isoOrNull(key.revokedAt),
  };
}
