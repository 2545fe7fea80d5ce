import type { Method, Query, RequestOptions, TokenBroker } from '../client/token-broker.ts';

export interface ApiCall {
  method: Method;
  /** Path below the address of the broker, with encoded names: see pathOf of the client. */
  path: string;
  query?: Query | undefined;
  body?: unknown;
  headers?: Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
}

export interface ApiAnswer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** Calls the HTTP API. Throws TokenBrokerError of src/client for a problem. */
export interface Api {
  call<Body>(call: ApiCall): Promise<ApiAnswer<Body>>;
  /** Sends a stream of lines, if there is one, and yields the values of the lines of the response (NDJSON). */
  lines(call: Omit<ApiCall, 'body'> & { body?: AsyncIterable<string> | undefined }): AsyncGenerator<unknown>;
}

export interface ApiOptions {
  url: string;
  /** Called once, before the first request. */
  readKey: () => Promise<string>;
  organization: string | undefined;
}

/** Milliseconds for a call: a refresh or a test waits for the provider. */
const timeoutMs = 60_000;
const ndjson = 'application/x-ndjson';

export async function createApi({ url, readKey, organization }: ApiOptions): Promise<Api> {
  const { createTokenBroker } = await import('../client/token-broker.ts');
  const broker = createTokenBroker({ url, key: await readKey(), organization, timeoutMs });
  return {
    async call<Body>({ method, path, ...options }: ApiCall): Promise<ApiAnswer<Body>> {
      const response = await broker.response(method, path, options);
      const { status, headers } = response;
      const text = await response.text();
      return { status, headers, body: (text === '' ? undefined : JSON.parse(text)) as Body };
    },
    lines: (call) => readLines(broker, call),
  };
}

async function* readLines(broker: TokenBroker, call: Parameters<Api['lines']>[0]): AsyncGenerator<unknown> {
  const { method, path, query, headers, signal, body } = call;
  const options: RequestOptions = { query, signal, timeoutMs: 0, headers: { accept: ndjson, ...headers } };
  if (body !== undefined) {
    options.headers = { 'content-type': ndjson, ...options.headers };
    options.rawBody = ReadableStream.from(bytesOf(body)) as NonNullable<RequestInit['body']>;
  }
  const response = await broker.response(method, path, options);
  let rest = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as unknown;
  }
  if (rest !== '') yield JSON.parse(rest) as unknown;
}

async function* bytesOf(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const line of lines) yield encoder.encode(line.endsWith('\n') ? line : `${line}\n`);
}
