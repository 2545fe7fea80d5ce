import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Place } from '../../../doctor/place.ts';
import { reasonOf } from '../../../doctor/request.ts';

const limitMs = 5_000;

/** Opens a connection and closes it. Returns why that fails; undefined if it works. Sends no data. */
export async function connectionFault(place: Place): Promise<string | undefined> {
  const opened = await open(place);
  if ('fault' in opened) return opened.fault;
  opened.socket.destroy();
  return undefined;
}

/** Asks a proxy for a tunnel (RFC 9110 §9.3.6). Returns why it gives none; undefined if it does. */
export async function tunnelFault(
  proxy: Place & { authorization: string | null },
  target: Place,
): Promise<string | undefined> {
  const opened = await open(proxy);
  if ('fault' in opened) return `the proxy: ${opened.fault}`;
  const authority = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const credentials = proxy.authorization === null ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  opened.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  const line = await firstLine(opened.socket);
  opened.socket.destroy();
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(line)?.[1];
  if (status?.startsWith('2')) return undefined;
  return status === undefined ? 'the proxy does not answer like one' : `the proxy answers with status ${status}`;
}

function open({ host, port, tls }: Place): Promise<{ socket: Socket } | { fault: string }> {
  return new Promise((resolve) => {
    const socket = tls
      ? connectTls({ host, port, servername: isAddress(host) ? '' : host })
      : connectPlain({ host, port });
    const timer = setTimeout(() => end('the host does not answer'), limitMs);
    const end = (fault: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ fault });
    };
    socket.once('error', (error) => end(reasonOf(error)));
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      resolve({ socket });
    });
  });
}

function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const timer = setTimeout(() => resolve(text), limitMs);
    const end = () => {
      clearTimeout(timer);
      resolve(text);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n')) end();
    });
    socket.once('close', end);
  });
}

/** TLS sends no server name for an address (RFC 6066 §3). */
function isAddress(host: string): boolean {
  return host.includes(':') || /^[\d.]+$/.test(host);
}
