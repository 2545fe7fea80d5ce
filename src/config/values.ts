import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseEncryptionKeys } from '../domain/encryption-keys.ts';
import { Secret } from '../domain/secret.ts';
import { normalizePath } from './base-path.ts';
import type { ReadUrl } from './database-url.ts';

// Messages are printed after the variable's name and a colon. They never quote a value: it may be a secret in the wrong
// variable.

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

/** URL of a server, brought into one spelling by `read`. It may hold a password. */
export function urlReadBy(read: (text: string) => ReadUrl) {
  return z
    .string()
    .transform((text, context) => {
      const result = read(text);
      if ('url' in result) return new Secret(result.url);
      context.addIssue({ code: 'custom', message: result.fault });
      return z.NEVER;
    })
    .optional();
}

const pathPattern = /^(\/[A-Za-z0-9._~-]+)*$/;

/**
 * Origin, and the path that a proxy strips. Redirect URIs begin with it; providers compare them exactly, so it has one
 * spelling.
 */
export const publicUrl = z
  .string()
  .refine((text) => {
    const url = parseWebUrl(text);
    return url !== undefined && pathPattern.test(normalizePath(url.pathname)) && !/[?#]/.test(text);
  }, 'must be an http or https URL without query and fragment, with a path of letters, digits, dots and dashes if a proxy strips one')
  .transform((text) => `${new URL(text).origin}${normalizePath(new URL(text).pathname)}`)
  .optional();

export const basePath = z
  .string()
  .transform(normalizePath)
  .refine((path) => pathPattern.test(path), 'must be a path of letters, digits, dots, dashes and underscores')
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
      const fault = returnUrlFault(entry);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: `entry ${index + 1} ${fault}` });
    }
  })
  .default([]);

/** Entries are compared exactly, so an entry that no URL of a browser equals never matches. */
function returnUrlFault(entry: string): string | undefined {
  if (/[*{}]/.test(entry)) return 'has a wildcard, and entries are compared exactly: list each origin';
  if (/^https?:\/\/[^/?#]*@/i.test(entry)) return 'has a user, which no browser sends: remove it';
  if (parseWebUrl(entry) === undefined) return 'is not an http or https URL or origin';
  if (entry.includes('#')) return 'has a fragment, which no server receives: remove the # and the rest';
  return /[\s\\]/.test(entry) ? 'holds a space or a backslash' : undefined;
}

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
  .regex(/^[!-~]*$/, 'holds a space, a line end or another character that no Authorization header carries')
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
