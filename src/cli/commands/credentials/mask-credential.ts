import type { Credential } from '../../../client/types/credential.ts';
import { mask } from '../../output/mask.ts';

/** Masks the token, and every text of `extra`: a provider may put further tokens there, also into a URL. */
export function maskCredential(credential: Credential): Credential {
  const extra = Object.entries(credential.extra).map(([name, value]) => [name, maskTexts(value)]);
  return { ...credential, access_token: mask(credential.access_token), extra: Object.fromEntries(extra) };
}

function maskTexts(value: unknown): unknown {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return value.map(maskTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, maskTexts(member)]));
}
