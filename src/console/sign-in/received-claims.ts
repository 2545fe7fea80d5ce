import { cleanProviderText } from '../../domain/provider-text.ts';
import { type Claims, claimValues } from './match-role.ts';

/** Claims of a person without a role, for the page that says why. Printable texts of 200 characters at most, no token. */
export interface ReceivedClaims {
  /** Claim that decides the role. */
  claim: string;
  /** Names of all claims, sorted. At most 50. */
  names: readonly string[];
  /** Values of the claim that decides. At most 20. */
  values: readonly string[];
  /** Number of names and values that are left out. */
  omitted: number;
}

/** More would fill the page: directories with thousands of groups send them all. */
const maxNames = 50;
const maxValues = 20;
/** Characters that are looked at. Cleaning a text of megabytes would block the process. */
const readLength = 1000;

export function describeReceived(claims: Claims, claim: string, secrets: readonly string[]): ReceivedClaims {
  const clean = (text: string) => cleanProviderText(text.slice(0, readLength), secrets) ?? [];
  const allNames = Object.keys(claims);
  const allValues = claimValues(claims, claim);
  const names = allNames.slice(0, maxNames).flatMap(clean).toSorted();
  const values = allValues.slice(0, maxValues).flatMap(clean);
  return { claim, names, values, omitted: allNames.length - names.length + allValues.length - values.length };
}
