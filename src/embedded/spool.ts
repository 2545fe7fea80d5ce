import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Spool, SpooledTokens } from '../domain/ports/spool.ts';

const extension = '.tokens';
const instant = z.iso.datetime().transform((text) => new Date(text));

const stored = z.object({
  owner: z.string(),
  base: z.object({ id: z.uuid(), connectionId: z.uuid(), organizationId: z.string().nullable(), version: z.int() }),
  tokens: z.object({
    sealed: z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
    facts: z.object({
      expiresAt: instant.nullable(),
      refreshExpiresAt: instant.nullable(),
      obtainedAt: instant.nullable(),
      lifetimeSeconds: z.number().nullable(),
      refreshable: z.boolean(),
      scopes: z.array(z.string()),
      keepAliveAt: instant.exactOptional(),
    }),
  }),
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
}) satisfies z.ZodType<SpooledTokens, unknown>;

/**
 * Token sets that the database could not take yet, one file each, sealed as they will be stored. A file is whole and on
 * the disk before `put` resolves: from then on a crash does not lose it.
 */
export function createSpool(directory: string, onUnreadable: (file: string) => void): Spool {
  const pathOf = ({ base }: SpooledTokens) => join(directory, `${base.id}.${base.version}${extension}`);
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
      for (const name of names.filter((one) => one.endsWith(extension))) {
        const path = join(directory, name);
        const entry = stored.safeParse(await read(path));
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
  } catch {
    return undefined;
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
