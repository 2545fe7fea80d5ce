import { TokenBrokerError } from '../errors.ts';
import type { Method, RequestOptions, Send } from './create-send.ts';

/** Calls the API and returns the JSON of its response; undefined for a response without content. */
export type ApiRequest = <T>(method: Method, path: string, options?: RequestOptions) => Promise<T>;

/** Calls the API and returns the successful response, for headers and streams. The time limit ends with its headers. */
export type ApiResponse = (method: Method, path: string, options?: RequestOptions) => Promise<Response>;

/** `isRepeatable`: whether calls other than GET may be sent again after a failure. */
export function createRequest(send: Send, { isRepeatable = false } = {}): ApiRequest {
  return <T>(method: Method, path: string, options: RequestOptions = {}) =>
    send(method, path, { ...options, isRepeatable }, (response) => readJson<T>(response));
}

async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text();
  // The routes that answer without content are declared to return undefined.
  if (text === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    const { status } = response;
    throw new TokenBrokerError('The response is not JSON.', { code: 'unexpected_response', status }, error);
  }
}
