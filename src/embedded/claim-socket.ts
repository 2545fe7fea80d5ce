import { chmodSync, closeSync, openSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { platform } from 'node:process';

/**
 * Outcome of a connection attempt. `accepted`: a process holds the listening socket, even if it is stopped or busy.
 * `refused`: no process of this kernel holds it. `absent`: there is no such file. `unknown`: any other error.
 */
export type Contact = 'accepted' | 'refused' | 'absent' | 'unknown';

/** Bytes of a path that fit into sockaddr_un, without its final NUL. Longer ones would be cut or refused. */
const maxPathBytes = platform === 'linux' ? 107 : 103;

/** Listens on a Unix socket with mode 0600. Rejects if the file system or the platform cannot hold one. */
export async function listenIn(folder: string, name: string): Promise<Server> {
  const { path, close } = reach(folder, name);
  try {
    const server = createServer((connection) => connection.on('error', () => {}).destroy());
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    // Errors of single connections: the listening socket stays open.
    server.on('error', () => {});
    server.unref();
    chmodSync(join(folder, name), 0o600);
    return server;
  } finally {
    close();
  }
}

/** Returns the descriptor of a listening socket, for a child process to inherit. */
export function descriptorOf(server: Server): number | undefined {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } | null };
  return handle?.fd;
}

/** Connects to a Unix socket and closes the connection. */
export async function contact(folder: string, name: string): Promise<Contact> {
  let reached: ReturnType<typeof reach>;
  try {
    reached = reach(folder, name);
  } catch (error) {
    return contactOf(error);
  }
  try {
    return await new Promise<Contact>((resolve) => {
      const connection = connect({ path: reached.path });
      connection.once('connect', () => {
        connection.destroy();
        resolve('accepted');
      });
      connection.on('error', (error) => resolve(contactOf(error)));
    });
  } finally {
    reached.close();
  }
}

function contactOf(error: unknown): Contact {
  const { code = '' } = error as NodeJS.ErrnoException;
  // EAGAIN: a listening socket whose queue is full. Its process is stopped, or accepts no connections.
  if (code === 'EAGAIN') return 'accepted';
  if (code === 'ECONNREFUSED') return 'refused';
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'unknown';
}

/** Returns a path that is short enough for a socket: through an open descriptor of the folder if it has to be. */
function reach(folder: string, name: string): { path: string; close(): void } {
  // Windows has pipes in a name space of their own, not sockets in folders.
  if (platform === 'win32') throw new Error('Windows has no sockets in folders.');
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= maxPathBytes) return { path, close: () => {} };
  if (platform !== 'linux') throw new Error(`The path is too long for a socket: ${path}`);
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/${name}`, close: () => closeSync(descriptor) };
}
