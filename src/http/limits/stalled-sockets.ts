import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface StallLimits {
  /** Time in milliseconds without progress after which a socket is closed, counted in looks. */
  afterMs: number;
  /** Interval in milliseconds between two looks at the open sockets. */
  everyMs: number;
}

/**
 * A client that reads nothing for this long has gone or holds responses in memory on purpose. The time limit for silence
 * in both directions does not end it: such a client may go on sending.
 */
export const stallLimits: StallLimits = { afterMs: 30_000, everyMs: 5_000 };

/**
 * Closes sockets whose client reads nothing of what was written to them: each holds whole responses in memory. Looks at
 * all sockets in turn, because a timer for each response would cost every request. Counts the looks, not the time: after
 * a pause of this process or its machine, clients get as much time to read as before it.
 */
export function closeStalledSockets(server: Server, { afterMs, everyMs }: StallLimits): void {
  const open = new Map<Socket, { written: number; pending: number; stalledMs: number }>();
  server.on('connection', (socket) => {
    open.set(socket, { written: 0, pending: 0, stalledMs: 0 });
    socket.on('close', () => open.delete(socket));
  });
  const timer = setInterval(() => {
    for (const [socket, seen] of open) {
      const { bytesWritten: written, writableLength: pending } = socket;
      const hasMoved = pending === 0 || written !== seen.written || pending !== seen.pending;
      const stalledMs = hasMoved ? 0 : seen.stalledMs + everyMs;
      open.set(socket, { written, pending, stalledMs });
      if (stalledMs >= afterMs) socket.destroy();
    }
  }, everyMs);
  timer.unref();
  server.on('close', () => clearInterval(timer));
}
