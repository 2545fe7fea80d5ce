import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { KeyFailure } from '../domain/ports/keys.ts';

export interface ServiceRequest {
  method: 'GET' | 'POST' | 'PUT';
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Certificates (PEM) trusted in place of the system's. */
  ca?: string;
}

export interface ServiceResponse {
  status: number;
  text: string;
  /** The body as a JSON object; empty if it is none. */
  json: Record<string, unknown>;
}

/** Limit of one call in milliseconds, from name resolution to the last byte. The start repeats what takes longer. */
const callLimitMs = 10_000;
/** Answers have at most a few kB: a wrapped key, a token, a certificate chain of a proxy's error page. */
const maxBodyBytes = 256 * 1024;

/**
 * Calls a key service once, on a connection of its own. Follows no redirect, which would repeat the credentials elsewhere,
 * and uses no proxy. Throws KeyFailure of kind unreachable if no whole answer arrives.
 */
export function callService({ method, url, headers, body, ca }: ServiceRequest): Promise<ServiceResponse> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(callLimitMs);
    const fail = (error: Error) => reject(new KeyFailure('unreachable', reasonOf(error, signal)));
    const options = {
      method,
      signal,
      agent: false as const,
      headers: { 'user-agent': 'token-broker', accept: 'application/json', ...headers, ...lengthOf(body) },
    };
    const isSecure = url.startsWith('https:');
    // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED in the environment could otherwise switch verification off.
    const outgoing = isSecure
      ? requestSecure(url, { ...options, rejectUnauthorized: true, ...(ca !== undefined && { ca }) })
      : requestPlain(url, options);
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      readBody(incoming).then((text) => {
        resolve({ status: incoming.statusCode ?? 0, text, json: objectOf(text) });
      }, fail);
    });
    outgoing.end(body);
  });
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Error('its answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function lengthOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names the cause by its code. Messages of the platform may quote a header, and so a token. */
function reasonOf(error: Error, signal: AbortSignal): string {
  if (signal.aborted) return `no answer within ${callLimitMs / 1000} seconds.`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (code === 'ECONNREFUSED') return 'it refuses the connection (ECONNREFUSED).';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its host name cannot be resolved (${code}).`;
  if (code === null) return 'its answer broke off or is too large.';
  return /CERT|TLS|SSL|SIGNATURE|ALTNAME/.test(code)
    ? `its certificate is not trusted (${code}).`
    : `the connection failed (${code}).`;
}

/** Returns the text at a path of members, or undefined. */
export function textAt(json: Record<string, unknown>, ...path: string[]): string | undefined {
  let value: unknown = json;
  for (const member of path) value = isObject(value) ? value[member] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Returns the text at a path of members of a successful response. */
export function wanted(response: ServiceResponse, ...path: string[]): string {
  const value = textAt(response.json, ...path);
  if (value === undefined) throw new KeyFailure('unreachable', 'it sent an answer that cannot be read.');
  return value;
}
