import { BlockList, isIP, isIPv4 } from 'node:net';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Address of the client without port and zone, as far as TRUST_PROXY allows; for rate limits and audit events. */
    readonly clientAddress: string;
  }
}

/** Trusted proxies: a number of hops, or addresses and CIDR ranges. False ignores X-Forwarded-For. */
export type TrustedProxies = false | number | readonly string[];

/** Stands for the address of a client that has already disconnected: its socket names none. */
const noAddress = '0.0.0.0';

export function registerClientAddress(app: FastifyInstance, trusted: TrustedProxies): void {
  const findClientAddress = createFindClientAddress(trusted);
  app.decorateRequest('clientAddress', {
    getter() {
      const { socket, headers } = this.raw;
      return findClientAddress(socket.remoteAddress, headers['x-forwarded-for']);
    },
  });
}

/** Returns a function of the address of the socket and of X-Forwarded-For, whose header lines Node joins with commas. */
export function createFindClientAddress(trusted: TrustedProxies) {
  const isTrusted = createIsTrusted(trusted);
  return (remote: string | undefined, forwardedFor: string | string[] | undefined): string => {
    let sender = addressIn(remote ?? '');
    let client = sender;
    if (trusted === false || forwardedFor === undefined) return client ?? noAddress;
    // RFC 9110 §5.6.1.2: a recipient ignores empty list members.
    const entries = String(forwardedFor)
      .split(',')
      .filter((entry) => entry.trim() !== '');
    // Each proxy appends the address of its sender. A client can write any entry left of those of the trusted proxies.
    for (let hop = 0; entries.length > 0 && isTrusted(sender, hop); hop++) {
      sender = addressIn(entries.pop() ?? '');
      // A proxy that hides its sender (`unknown`, `_name`) stands for it.
      client = sender ?? client;
    }
    return client ?? noAddress;
  };
}

function createIsTrusted(trusted: TrustedProxies): (sender: string | undefined, hop: number) => boolean {
  if (trusted === false) return () => false;
  if (typeof trusted === 'number') return (_sender, hop) => hop < trusted;
  const ranges = new BlockList();
  for (const range of trusted) {
    const [written = '', prefix] = range.split('/');
    const address = withoutZone(written);
    const family = familyOf(address);
    ranges.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
  }
  return (sender) => sender !== undefined && ranges.check(sender, familyOf(sender));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

/** A port as RFC 7239 §6.2 writes it. Some proxies leave it empty. */
const port = '(?::(?:\\d{0,5}|_[A-Za-z0-9._-]+))?';
const ipv4Entry = new RegExp(`^(\\d+\\.\\d+\\.\\d+\\.\\d+)${port}$`);
const bracketedEntry = new RegExp(`^\\[([^\\]]+)\\]${port}$`);

/** Returns the canonical address in an entry of X-Forwarded-For, or undefined if it holds none. */
function addressIn(entry: string): string | undefined {
  // The address of most sockets. The patterns below cost a fetch from memory 1 % of its processor time.
  if (isIPv4(entry)) return entry;
  const text = entry.trim().replace(/^"(.*)"$/, '$1');
  const written = ipv4Entry.exec(text)?.[1] ?? withoutZone(bracketedEntry.exec(text)?.[1] ?? text);
  const version = isIP(written);
  if (version === 0) return undefined;
  return version === 4 ? written : canonicalIpv6(written);
}

/** Removes the zone of an IPv6 address (RFC 6874). It names an interface of another machine. */
function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}

/** Writes an address as RFC 5952 does: one client has one address. A mapped IPv4 address becomes the IPv4 address. */
function canonicalIpv6(written: string): string {
  const address = new URL(`http://[${written}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  return [high, low].flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255]).join('.');
}
