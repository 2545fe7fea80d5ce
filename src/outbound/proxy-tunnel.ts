import { request as requestOverHttp } from 'node:http';
import { request as requestOverHttps } from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { Secret } from '../domain/secret.ts';
import type { BypassesProxy } from './no-proxy.ts';

/** HTTP proxy that provider calls go through. */
export interface ProviderProxy {
  /** `http:` or `https:` URL, with user and password if the proxy wants them. */
  url: Secret;
  bypasses: BypassesProxy;
}

/** Thrown when the proxy opens no tunnel. The provider has received nothing. */
export class ProxyRefused extends Error {
  readonly code = 'PROXY_REFUSED';
}

export interface TunnelTarget {
  /** As in the URL: IPv6 addresses have brackets. */
  host: string;
  port: number;
}

export interface TunnelOptions {
  timeoutMs: number;
  /** Resolves the proxy's own name. */
  lookup: LookupFunction;
  certificateAuthorities: readonly string[] | undefined;
}

/**
 * Opens a tunnel to the target by CONNECT (RFC 9110 §9.3.6). The proxy resolves the target's name. Rejects with the
 * error of the connection to the proxy, or with ProxyRefused.
 */
export function openTunnel(
  { url }: ProviderProxy,
  target: TunnelTarget,
  { timeoutMs, lookup, certificateAuthorities }: TunnelOptions,
): Promise<Socket> {
  const proxy = new URL(url.reveal());
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const authority = `${target.host}:${target.port}`;
  const request = (proxy.protocol === 'https:' ? requestOverHttps : requestOverHttp)({
    method: 'CONNECT',
    host,
    // Without it the library would expect the target's name, from the Host header, in the proxy's certificate.
    servername: isIP(host) === 0 ? host : '',
    port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
    path: authority,
    headers: { host: authority, ...authorizationOf(proxy) },
    agent: false,
    lookup,
    signal: AbortSignal.timeout(timeoutMs),
    rejectUnauthorized: true,
    ...(certificateAuthorities && { ca: [...certificateAuthorities] }),
  });
  return new Promise((resolve, reject) => {
    request.on('connect', ({ statusCode }, socket: Socket, head) => {
      if (statusCode !== undefined && statusCode >= 200 && statusCode < 300 && head.length === 0)
        return resolve(socket);
      socket.on('error', () => undefined).destroy();
      reject(new ProxyRefused(`The proxy answered CONNECT with status ${statusCode}.`));
    });
    // A proxy that answers CONNECT like a plain request opens no tunnel.
    request.on('response', (response) => {
      response.destroy();
      reject(new ProxyRefused('The proxy opened no tunnel.'));
    });
    request.on('error', reject);
    request.end();
  });
}

function authorizationOf({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
