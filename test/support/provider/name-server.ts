import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

export interface NameServer {
  /** As a resolver takes it. */
  address: string;
  /** Names that were asked for, in order, one for each query. */
  asked: string[];
  close(): Promise<void>;
}

/** A name server on UDP. Gives the addresses of `known` names (null: no such name) and never answers for any other. */
export async function startNameServer(known: Record<string, readonly string[] | null>): Promise<NameServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, { port, address }) => {
    const { name, end } = readName(query);
    asked.push(name);
    const addresses = known[name];
    if (addresses === undefined) return;
    const isIpv4 = query.readUInt16BE(end) === 1;
    socket.send(answerTo(query, end + 4, addresses, isIpv4), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** Reads the name of the question (RFC 1035 §4.1.2), which begins after the header of 12 bytes. */
function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function answerTo(query: Buffer, end: number, addresses: readonly string[] | null, isIpv4: boolean): Buffer {
  const records = isIpv4 ? (addresses ?? []) : [];
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(addresses === null ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  const answers = records.map((address) =>
    Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
  );
  return Buffer.concat([header, query.subarray(12, end), ...answers]);
}
