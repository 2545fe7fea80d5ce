import type { Dispatcher } from 'undici';
import type { ProviderFailure } from '../domain/provider-failure.ts';
import { networkFailure, timedOut, unreadable } from './network-failure.ts';
import type { OutboundAnswer } from './outbound.ts';

export type Exchange = Required<Pick<Dispatcher.DispatchOptions, 'origin' | 'path' | 'method' | 'headers'>> & {
  body: string | null;
};

export interface ExchangeLimits {
  deadline: number;
  maxBodyBytes: number;
  /** Whether the socket belongs to a client that presented a certificate: only for the message of a failure. */
  withCertificate: boolean;
}

/** One request and its answer on one socket. Knows exactly whether bytes may have left, which decides who may repeat it. */
export function exchangeOver(
  dispatcher: Dispatcher,
  exchange: Exchange,
  limits: ExchangeLimits,
): Promise<OutboundAnswer> {
  return new Promise((resolve, reject) => {
    let sent = false;
    let settled = false;
    let controller: Dispatcher.DispatchController | null = null;
    let answer: OutboundAnswer | null = null;
    const body = createBoundedBody(limits.maxBodyBytes);

    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      finish();
    };
    const fail = (failure: ProviderFailure) => {
      // Once a status is here it is the answer, whatever becomes of the body: HTTP status outranks body.
      settle(() => (answer === null ? reject(failure) : resolve(answer)));
      controller?.abort(new Error('The answer is no longer wanted.'));
    };
    const timer = setTimeout(() => fail(timedOut(sent)), Math.max(0, limits.deadline - performance.now()));

    const handler: Dispatcher.DispatchHandler = {
      // Called right before the first byte is written: until then nothing can have reached the provider.
      onRequestStart(started) {
        // A second call is the client library repeating the request on a new socket, which only the caller may decide.
        if (settled || sent) return started.abort(new Error('The request must not be sent again.'));
        controller = started;
        sent = true;
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return;
        answer = {
          status,
          contentType: single(headers['content-type']) ?? '',
          retryAfter: single(headers['retry-after']),
          body: null,
        };
        const encoding = single(headers['content-encoding']) ?? 'identity';
        if (encoding.trim().toLowerCase() !== 'identity') fail(unreadable());
      },
      onResponseData(_controller, chunk) {
        if (!body.add(chunk)) fail(unreadable());
      },
      onResponseEnd() {
        const complete = answer;
        if (complete !== null) settle(() => resolve({ ...complete, body: body.text() }));
      },
      onResponseError(_controller, error) {
        fail(networkFailure(error, sent, limits.withCertificate));
      },
    };
    try {
      dispatcher.dispatch(exchange, handler);
    } catch (error) {
      fail(networkFailure(error, sent, limits.withCertificate));
    }
  });
}

function createBoundedBody(maxBytes: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    /** False where the body has grown past its bound. */
    add(chunk: Buffer): boolean {
      size += chunk.length;
      if (size > maxBytes) return false;
      // The parser reuses its buffer once this returns.
      chunks.push(Buffer.from(chunk));
      return true;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

function single(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
