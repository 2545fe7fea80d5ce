import { z } from 'zod';
import type { CredentialRequest } from '../../broker/credentials/get-credential.ts';
import { connectionNamePattern } from '../../domain/connections/connection.ts';
import { parseScopes, unique } from '../../domain/grants/scopes.ts';
import { optionalText, organizationField } from '../server/forms.ts';

/** The largest min_ttl of the API, in seconds. */
const maxTtlSeconds = 2_147_483_647;

/** Longest subject and account id of the API. */
const maxIdLength = 255;

const id = optionalText.refine((text) => (text ?? '').length <= maxIdLength, `has at most ${maxIdLength} characters`);

/** A fetch, as it stands in the address. Without a name there is nothing to explain yet. */
export const explainQuery = z.object({
  organization: organizationField,
  name: optionalText.refine(
    (text) => text === undefined || connectionNamePattern.test(text),
    'is not a connection name',
  ),
  subject: id,
  account_id: id,
  min_ttl: optionalText.refine(
    (text) => text === undefined || (/^\d{1,10}$/.test(text) && Number(text) <= maxTtlSeconds),
    `must be a whole number from 0 to ${maxTtlSeconds}`,
  ),
  scopes: optionalText,
  /** Id of an API key. Absent: this session. */
  caller: optionalText,
});
export type ExplainQuery = z.output<typeof explainQuery>;

export function requestOf(name: string, { subject, account_id, min_ttl, scopes }: ExplainQuery): CredentialRequest {
  return {
    connectionName: name,
    subject: subject ?? null,
    accountId: account_id ?? null,
    minTtlSeconds: Number(min_ttl ?? 0),
    requiredScopes: unique(parseScopes(scopes ?? '')),
    workflow: null,
  };
}

/** Query of the API for the same fetch. */
export function apiQueryOf({ subject, account_id, min_ttl, scopes }: ExplainQuery): Record<string, string | undefined> {
  return { subject, account_id, min_ttl, scopes };
}
