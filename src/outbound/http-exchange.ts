import type { Dispatcher } from 'undici';
import type { ProviderFailure } from '../domain/provider-failure.ts';
import type { OutboundResponse } from './http-types.ts';
import { networkFailure, timedOut } from './network-failure.ts';
import { createResponseBody, readContentCodings } from './response-body.ts';

export type Exchange = Required<Pick<Dispatcher.DispatchOptions, 'origin' | 'path' | 'method' | 'headers'>> & {
  body: string | null;
};

export interface ExchangeLimits {
  /** In the time of performance.now(). */
  deadline: number;
  maxBodyBytes: number;
  /** True if the client presents a certificate. Changes only the message of a failure. */
  withCertificate: boolean;
  /** Called when the socket is connected and the request is about to be written. */
  onSending: () => void;
}

/**
 * Sends one request and reads its response, on one socket. Records whether bytes of the request can have been sent:
 * callers decide by it whether the request may be repeated.
 */
export function exchangeOver(
  dispatcher: Dispatcher,
  exchange: Exchange,
  limits: ExchangeLimits,
): Promise<OutboundResponse> {
  return new Promise((resolve, reject) => {
    let sent = false;
    let settled = false;
    let controller: Dispatcher.DispatchController | null = null;
    let response: OutboundResponse | null = null;
    let codings: string[] | null = null;
    const body = createResponseBody(limits.maxBodyBytes);

    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      finish();
    };
    const abort = () => controller?.abort(new Error('The response is no longer needed.'));
    const fail = (failure: ProviderFailure) => {
      const received = response;
      // A received status is a result, and so is a body that broke off: all of its members may have arrived.
      settle(() =>
        received === null ? reject(failure) : resolve({ ...received, ...body.read(codings ?? [], false) }),
      );
      abort();
    };
    const endWithoutBody = (received: OutboundResponse) => {
      settle(() => resolve({ ...received, isComplete: true }));
      abort();
    };
    const timer = setTimeout(() => fail(timedOut(sent)), Math.max(0, limits.deadline - performance.now()));

    const handler: Dispatcher.DispatchHandler = {
      // undici calls this immediately before it writes the first byte: nothing can have reached the provider earlier.
      onRequestStart(started) {
        // On a second call undici is repeating the request on a new socket. Only the caller may decide to repeat.
        if (settled || sent) return started.abort(new Error('The request must not be sent again.'));
        controller = started;
        sent = true;
        limits.onSending();
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return;
        response = {
          status,
          contentType: single(headers['content-type']) ?? '',
          retryAfter: single(headers['retry-after']),
          date: single(headers.date),
          body: null,
          isComplete: false,
        };
        codings = readContentCodings(headers['content-encoding']);
        if (codings === null) endWithoutBody(response);
      },
      onResponseData(_controller, chunk) {
        if (response !== null && !body.add(chunk)) endWithoutBody(response);
      },
      onResponseEnd() {
        const received = response;
        if (received !== null) settle(() => resolve({ ...received, ...body.read(codings ?? [], true) }));
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

function single(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
