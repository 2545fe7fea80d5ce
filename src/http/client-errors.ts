import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { BrokerError, invalidRequest } from '../domain/errors.ts';
import { problemMediaType, problems, toProblem } from './problem.ts';

/** Requests too broken to become one: the answer is written by hand and the socket ends. */
export function createClientErrorHandler(basePath: string) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const answer = refusalOf(error.code);
    const { status, title } = problems[answer.code];
    const body = JSON.stringify(toProblem(answer, randomUUID(), basePath));
    const head = [
      `HTTP/1.1 ${status} ${title}`,
      `content-type: ${problemMediaType}`,
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  };
}

function refusalOf(code: string | undefined): BrokerError {
  if (code === 'HPE_HEADER_OVERFLOW') return BrokerError.of('payload_too_large', 'The headers are too large.');
  const message = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'took too long to arrive' : 'is not valid HTTP';
  return invalidRequest({ path: 'request', message });
}
