import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandContext } from '../../context.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import { mask } from '../../output/mask.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { type ApiKey, scopeText } from './list.ts';

export interface CreateKeyOptions {
  permissions: string[];
  organizations?: string[];
  allOrganizations?: boolean;
  global?: boolean;
  connections?: string[];
  expiresAt?: string;
  rateLimit?: number;
  out?: string;
  reveal?: boolean;
}

export async function createApiKey(context: CommandContext, name: string, options: CreateKeyOptions): Promise<void> {
  const { output } = context;
  const { out, reveal } = options;
  if ((out === undefined) === (reveal !== true)) {
    throw new CommandFailure('The key is shown this once. Give --out FILE or --reveal.', exitCodes.usage);
  }
  const api = await context.api();
  // The file is made first: a key that cannot be kept is not created.
  const file = out === undefined ? undefined : openNewFile(resolve(context.directory, out));
  try {
    const call = { method: 'POST', path: '/admin/api-keys', body: bodyOf(name, options) } as const;
    const { body } = await api.call<ApiKey & { key: string }>(call);
    file?.write(`${body.key}\n`);
    const shown = reveal ? body : { ...body, key: mask(body.key) };
    await output.document(shown, [
      ['id', shown.id],
      ['name', shown.name],
      ['key', shown.key],
      ['scope', scopeText(shown)],
      ['permissions', shown.permissions.join(' ')],
      ['expires', relativeTime(shown.expires_at)],
    ]);
  } catch (error) {
    file?.remove();
    throw error;
  }
  file?.close();
  if (out !== undefined) output.say(`The key is in ${out}.`);
}

function bodyOf(name: string, options: CreateKeyOptions): Record<string, unknown> {
  return {
    name,
    permissions: options.permissions,
    organizations: options.allOrganizations ? '*' : (options.organizations ?? []),
    global: options.global,
    connections: options.connections,
    expires_at: options.expiresAt,
    rate_limit_per_minute: options.rateLimit,
  };
}

function openNewFile(path: string): { write(text: string): void; close(): void; remove(): void } {
  const open = () => {
    try {
      return openSync(path, 'wx', 0o600);
    } catch {
      throw new CommandFailure('The file of --out exists, or it cannot be written.', exitCodes.usage);
    }
  };
  const file = open();
  return {
    write: (text) => void writeSync(file, text),
    close: () => closeSync(file),
    remove: () => {
      closeSync(file);
      rmSync(path);
    },
  };
}
