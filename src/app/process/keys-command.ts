import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ListenAddress } from '../../config/listen-address.ts';
import type { Config } from '../../config.ts';

/** Loopback address of a service that listens on every address. */
const loopbackOf: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

export interface KeysCommand {
  action: 'status' | 'rotate' | 'retire';
  /** Data key to retire. */
  id: string;
  abandonsEnded: boolean;
}

/** Reads the words after `keys`. Returns undefined if they are no command. */
export function readKeysCommand(words: readonly string[], abandonsEnded: boolean): KeysCommand | undefined {
  const [action, id = '', ...more] = words;
  if (more.length > 0) return undefined;
  if (action === 'retire') return id === '' ? undefined : { action, id, abandonsEnded };
  return (action === 'status' || action === 'rotate') && id === '' ? { action, id, abandonsEnded } : undefined;
}

/** Calls the running service of this configuration, and returns its response as text. Throws with its refusal. */
export async function runKeysCommand(command: KeysCommand, config: Config, at: ListenAddress): Promise<string> {
  const [method, path] = requestOf(command);
  const url = `http://${loopbackOf[at.host] ?? at.host}:${at.port}${at.basePath}${path}`;
  const response = await fetch(url, { method, headers: { authorization: `Bearer ${adminKeyOf(config)}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: status ${response.status}\n${text}`);
  return text === '' ? 'done' : JSON.stringify(JSON.parse(text), null, 2);
}

function requestOf({ action, id, abandonsEnded }: KeysCommand): [method: string, path: string] {
  if (action === 'status') return ['GET', '/admin/encryption'];
  if (action === 'rotate') return ['POST', '/admin/encryption/rotate'];
  return ['DELETE', `/admin/encryption/data-keys/${encodeURIComponent(id)}?abandon_ended=${abandonsEnded}`];
}

function adminKeyOf({ adminApiKey, dataDir }: Config): string {
  if (adminApiKey !== null) return adminApiKey.reveal();
  const file = join(dataDir, 'admin-key');
  if (!existsSync(file)) throw new Error('The command needs ADMIN_API_KEY, as the service has it.');
  return readFileSync(file, 'utf8').trim();
}
