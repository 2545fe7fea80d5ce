import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ConnectProxy {
  origin: string;
  /** Targets of CONNECT, in order. */
  targets: string[];
  /** Proxy-Authorization of each CONNECT, in order. */
  authorizations: (string | undefined)[];
  /** Status of the answers from now on; null: tunnels are opened. */
  refuseWith: number | null;
  close(): Promise<void>;
}

/** An HTTP proxy that opens every tunnel to 127.0.0.1: it resolves names that no other resolver knows. */
export async function startConnectProxy(tls?: { key: string; cert: string }): Promise<ConnectProxy> {
  const server: Server = tls === undefined ? createServer() : createTlsServer(tls);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  server.on('connection', keep);
  server.on('tlsClientError', () => {});
  const proxy: ConnectProxy = {
    origin: '',
    targets: [],
    authorizations: [],
    refuseWith: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket, head: Buffer) => {
    keep(socket);
    proxy.targets.push(url);
    proxy.authorizations.push(headers['proxy-authorization']);
    if (proxy.refuseWith !== null) {
      socket.end(`HTTP/1.1 ${proxy.refuseWith} No\r\n\r\n`);
      return;
    }
    const target = connect(Number(url.slice(url.lastIndexOf(':') + 1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    keep(target);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  proxy.origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return proxy;
}
