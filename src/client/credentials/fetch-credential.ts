import type { ApiRequest } from '../transport/create-request.ts';
import { pathOf } from '../transport/request-url.ts';
import type { Credential, Explanation, RenewedCredential } from '../types/credential.ts';
import { type Selection, toHeaders, toQuery } from './selection.ts';

/** The calls of the API that are about credentials, without a cache. */
export interface CredentialCalls {
  fetch(selection: Selection): Promise<Credential>;
  renew(selection: Selection, rejectedToken: string): Promise<RenewedCredential>;
  explain(selection: Selection, signal: AbortSignal | undefined): Promise<Explanation>;
}

/** `repeatable`: a request function that may repeat a POST. A renewal of a token that was replaced changes nothing. */
export function createCredentialCalls(request: ApiRequest, repeatable: ApiRequest): CredentialCalls {
  return {
    fetch: (selection) =>
      request('GET', pathOf('credentials', selection.name), {
        query: toQuery(selection),
        headers: toHeaders(selection),
      }),
    renew: (selection, rejectedToken) =>
      repeatable('POST', pathOf('credentials', selection.name, 'renew'), {
        body: {
          rejected_token: rejectedToken,
          subject: selection.subject ?? null,
          account_id: selection.accountId ?? null,
        },
        headers: toHeaders(selection),
      }),
    explain: (selection, signal) =>
      request('GET', pathOf('credentials', selection.name, 'explain'), {
        query: toQuery(selection),
        headers: toHeaders(selection),
        signal,
      }),
  };
}
