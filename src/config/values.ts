import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseEncryptionKeys } from '../domain/encryption-keys.ts';
import { Secret } from '../domain/secret.ts';

// Messages follow the variable's name and a colon, and never quote what was given: it may be a secret in the wrong place.

export function wholeNumber(least: number, most: number, preset: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= least && value <= most, message)
    .default(preset);
}

export function yesOrNo(preset: boolean) {
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false'], 'must be true or false'))
    .transform((value) => value === 'true')
    .default(preset);
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values, preset: Values[number]) {
  return z
    .enum(values, `must be one of ${values.join(', ')}`)
    .default(preset as z.core.util.NoUndefined<Values[number]>);
}

/** A URL of a server of ours, password included. */
export function serverUrl(...schemes: [string, ...string[]]) {
  return z
    .string()
    .refine(
      (text) => schemes.some((scheme) => text.startsWith(`${scheme}://`)) && URL.canParse(text),
      `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    )
    .transform((text) => new Secret(text))
    .optional();
}

/** Scheme, host and port alone: redirect URIs are built on it, and must be the same for good. */
export const origin = z
  .string()
  .refine((text) => {
    const url = parseWebUrl(text);
    return url !== undefined && url.pathname === '/' && url.search === '' && !text.includes('#');
  }, 'must be an http or https origin without a path (BASE_PATH is for the path)')
  .transform((text) => new URL(text).origin)
  .optional();

export const basePath = z
  .string()
  .transform((text) => `/${text}`.replace(/\/+/g, '/').replace(/\/$/, ''))
  .refine(
    (path) => /^(\/[A-Za-z0-9._~-]+)*$/.test(path),
    'must be a path of letters, digits, dots, dashes and underscores',
  )
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'must not hold . or .. as a part')
  .default('');

export const returnUrls = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
  .superRefine((entries, context) => {
    for (const [index, entry] of entries.entries()) {
      const url = parseWebUrl(entry);
      if (url !== undefined && !entry.includes('#') && !entry.includes('\\')) continue;
      context.addIssue({
        code: 'custom',
        message: `entry ${index + 1} is not an http or https URL or origin without user or fragment`,
      });
    }
  })
  .default([]);

/** `none`, a number of hops, or addresses and CIDR ranges. */
export const trustProxy = z
  .string()
  .transform((text, context): false | number | string[] => {
    if (text === 'none' || text === '0') return false;
    if (/^\d{1,2}$/.test(text)) return Number(text);
    const entries = text.split(',').map((entry) => entry.trim());
    if (entries.every(isAddressOrRange)) return entries;
    context.addIssue({ code: 'custom', message: 'must be none, a number of hops, or addresses and CIDR ranges' });
    return z.NEVER;
  })
  .default(false);

export const encryptionKeys = z
  .string()
  .transform((text, context) => {
    const { keys, faults } = parseEncryptionKeys(text);
    for (const message of faults) context.addIssue({ code: 'custom', message });
    return keys;
  })
  .optional();

export const adminApiKey = z
  .string()
  .min(32, 'must have 32 characters or more')
  .transform((text) => new Secret(text))
  .optional();

export const host = z
  .string()
  .refine(
    (text) => isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text),
    'must be an address or a host name',
  )
  .default('127.0.0.1');

export const path = z.string().transform((text) => resolve(text));

function parseWebUrl(text: string): URL | undefined {
  if (!/^https?:\/\/[^/\\]/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : undefined;
}

function isAddressOrRange(entry: string): boolean {
  const [address = '', prefix, ...rest] = entry.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits < 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}
