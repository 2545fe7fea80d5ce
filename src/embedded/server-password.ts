import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeDurably } from './durable-file.ts';

/** Server whose password is generated. Its files begin with this name. */
export type ServerName = 'database' | 'redis';

/**
 * Writes a generated password to `NAME-password` and the URL with this password to `NAME-url`, both with mode 0600.
 * Existing files stay, because the server may use the password already. Returns whether it wrote one. Throws if an
 * existing file cannot be used.
 */
export function createServerPassword(directory: string, name: ServerName, urlWithoutPassword: string): boolean {
  const passwordFile = join(resolve(directory), `${name}-password`);
  const urlFile = join(resolve(directory), `${name}-url`);
  const [hasPassword, hasUrl] = [existsSync(passwordFile), existsSync(urlFile)];
  if (hasUrl && !hasPassword) {
    throw new Error(
      `${urlFile} exists, but ${passwordFile} with its password does not. Restore it, or remove the first to get a new password.`,
    );
  }
  // 256 bits. These characters need no encoding in a URL or a configuration file.
  if (!hasPassword) writeDurably(passwordFile, `${randomBytes(32).toString('base64url')}\n`);
  const url = new URL(urlWithoutPassword);
  url.password = readFilled(passwordFile);
  if (!hasUrl) writeDurably(urlFile, `${url.href}\n`);
  readFilled(urlFile);
  return !hasPassword || !hasUrl;
}

function readFilled(file: string): string {
  const content = readFileSync(file, 'utf8').trim();
  if (content === '') throw new Error(`${file} is empty. Restore it from a backup.`);
  return content;
}
