import { z } from 'zod';
import type { NewApiKey } from '../../broker/create-api-key.ts';
import type { ApiKey } from '../../domain/api-key.ts';
import { permissions } from '../../domain/caller.ts';
import { organizationIdPattern } from '../../domain/connection.ts';
import { instant, isoOrNull, line, time, timeOrNull } from './text.ts';

const organizationId = z.string().regex(organizationIdPattern, 'is not an organisation id');
const organizations = z.union([z.literal('*'), z.array(organizationId).max(1000)]);

export const newApiKey = z
  .strictObject({
    name: line(200),
    permissions: z.array(z.enum(permissions)).min(1).max(permissions.length),
    organizations: organizations.describe('Ids, or "*" for every organisation.'),
    global: z.boolean().nullish().describe('Whether the global scope too; default false.'),
    connections: z
      .array(z.string().regex(/^[a-zA-Z0-9_*-]{1,100}$/, 'is not a pattern of connection names'))
      .min(1)
      .max(1000)
      .nullish()
      .describe('Patterns (`*` matches any run of characters) that limit credentials:read; default every name.'),
    expires_at: instant.nullish(),
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
    last_used_at: timeOrNull,
    revoked_at: timeOrNull,
  })
  .meta({ id: 'ApiKey' });

export const createdApiKey = apiKeySummary
  .extend({ key: z.string().describe('Shown this once.') })
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
    last_used_at: isoOrNull(key.lastUsedAt),
    revoked_at: isoOrNull(key.revokedAt),
  };
}
