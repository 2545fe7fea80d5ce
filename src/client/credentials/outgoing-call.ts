/** Call of a provider's API, as fetch takes it, made of one address and one set of options. */
export interface OutgoingCall {
  url: string;
  init: RequestInit & { duplex?: 'half' };
  /** Whether the body can be sent again. A stream can be read once. */
  isReplayable: boolean;
}

/** Reads the arguments of fetch. A Request object gives its body as a stream. */
export function readCall(input: Parameters<typeof fetch>[0], init: RequestInit = {}): OutgoingCall {
  if (typeof input === 'string' || input instanceof URL) {
    return toCall(String(input), { ...init });
  }
  const { method, headers, body, signal, redirect, credentials, keepalive } = input;
  const own: RequestInit = { method, headers, signal, redirect, credentials, keepalive };
  if (body !== null) own.body = body;
  return toCall(input.url, { ...own, ...init });
}

function toCall(url: string, init: OutgoingCall['init']): OutgoingCall {
  const isStream = init.body instanceof ReadableStream;
  // Required for a stream by the fetch standard.
  if (isStream) init.duplex = 'half';
  return { url, init, isReplayable: isReplayable(init.body) };
}

function isReplayable(body: unknown): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === 'string' ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    body instanceof FormData ||
    body instanceof URLSearchParams
  );
}

export function withHeaders({ init }: OutgoingCall, change: (headers: Headers) => void): OutgoingCall['init'] {
  const headers = new Headers(init.headers);
  change(headers);
  return { ...init, headers };
}
