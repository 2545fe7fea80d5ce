import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { statusReasons } from '../domain/grants/grant.ts';
import type { Spool, SpooledTokens } from '../domain/ports/spool.ts';
import { failureClasses } from '../domain/provider-failure.ts';

/** Ends the name of every file that holds a token set. */
export const spoolExtension = '.tokens';
const instant = z.iso.datetime().transform((text) => new Date(text));

const metadata = z.object({
  expiresAt: instant.nullable(),
  refreshExpiresAt: instant.nullable(),
  obtainedAt: instant.nullable(),
  lifetimeSeconds: z.number().nullable(),
  refreshable: z.boolean(),
  scopes: z.array(z.string()),
  keepAliveAt: instant.exactOptional(),
});

/** State of a second token set. */
const sibling = z.object({
  status: z.enum(['completed', 'failed']),
  statusReason: z.enum(statusReasons).nullable(),
  statusMessage: z.string().nullable(),
  refreshStartedAt: instant.nullable(),
  consecutiveFailures: z.int(),
  failingSince: instant.nullable(),
  lastError: z
    .object({
      class: z.enum(failureClasses),
      error: z.string().nullable(),
      errorDescription: z.string().nullable(),
      httpStatus: z.int().nullable(),
      at: instant,
      attempts: z.int(),
    })
    .nullable(),
  retryAt: instant.nullable(),
  lastRefreshAt: instant.nullable(),
  metadata,
});

const stored = z.object({
  owner: z.string(),
  base: z.object({ id: z.uuid(), connectionId: z.uuid(), organizationId: z.string().nullable(), version: z.int() }),
  tokens: z.preprocess(
    renameFacts,
    z.object({
      sealed: z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
      metadata: metadata.extend({ siblings: z.record(z.string(), sibling).exactOptional() }),
    }),
  ),
  event: z.object({
    time: instant,
    actor: z.string(),
    action: z.literal('grant.refreshed'),
    organizationId: z.string().nullable(),
    connectionId: z.string().nullable(),
    connectionName: z.string().nullable(),
    grantId: z.string().nullable(),
    outcome: z.literal('success'),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])),
    requestId: z.string().nullable(),
    address: z.string().nullable(),
  }),
  sibling: z.string().exactOptional(),
  replaces: z.string().exactOptional(),
}) satisfies z.ZodType<SpooledTokens, unknown>;

/**
 * Files written by version 0.1 call the metadata `facts`. They must stay readable: each may hold the only copy of a
 * refresh token.
 */
function renameFacts(tokens: unknown): unknown {
  if (typeof tokens !== 'object' || tokens === null || !('facts' in tokens)) return tokens;
  const { facts, ...rest } = tokens;
  return { metadata: facts, ...rest };
}

/**
 * Keeps token sets that the database could not store yet, one file each, sealed as in the database. The file is
 * complete and on the disk when `put` resolves: a crash after that does not lose the token set.
 */
export function createSpool(directory: string, onUnreadable: (file: string) => void): Spool {
  const pathOf = ({ base }: SpooledTokens) => join(directory, `${base.id}.${base.version}${spoolExtension}`);
  return {
    async put(entry) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const sealed = Buffer.from(entry.tokens.sealed).toString('base64');
      const path = pathOf(entry);
      const draft = await open(`${path}.new`, 'w', 0o600);
      try {
        await draft.writeFile(JSON.stringify({ ...entry, tokens: { ...entry.tokens, sealed } }));
        await draft.sync();
      } finally {
        await draft.close();
      }
      await rename(`${path}.new`, path);
      await syncFolder(directory);
    },

    async list() {
      const names = await readdir(directory).catch(() => []);
      const entries: SpooledTokens[] = [];
      for (const name of names.filter((one) => one.endsWith(spoolExtension))) {
        const path = join(directory, name);
        const content = await read(path);
        // Moved to the database since the folder was read.
        if (content === 'gone') continue;
        const entry = stored.safeParse(content);
        if (entry.success) entries.push(entry.data);
        else onUnreadable(path);
      }
      return entries;
    },

    async remove(entry) {
      await rm(pathOf(entry), { force: true });
    },
  };
}

async function read(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : undefined;
  }
}

async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
