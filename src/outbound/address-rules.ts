import ipaddr from 'ipaddr.js';

/** Class of an address: `local` is reachable only if private networks are allowed, `forbidden` never. */
export type AddressKind = 'public' | 'local' | 'forbidden';

/** Cloud metadata services outside the link-local ranges. Their responses contain credentials of the machine. */
const metadataServices = new Set(['168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254']);
const localRanges = new Set(['loopback', 'private', 'uniqueLocal']);
/** Allocated global unicast addresses (RFC 4291 §2.4). The library has no range name for IPv4-compatible `::/96`. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/** Classifies an address. Mapped, NAT64, 6to4 and Teredo addresses are forbidden: public names do not need them. */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address) || address.includes('%')) return 'forbidden';
  const parsed = ipaddr.parse(address);
  if (metadataServices.has(parsed.toString())) return 'forbidden';
  const range = parsed.range();
  if (localRanges.has(range)) return 'local';
  if (range !== 'unicast') return 'forbidden';
  return parsed instanceof ipaddr.IPv4 || parsed.match(globalUnicast) ? 'public' : 'forbidden';
}

/** Allows plain http on private networks only: on a public network every hop could read the secrets. */
export function mayConnect(address: string, protocol: 'http:' | 'https:', allowPrivateNetwork: boolean): boolean {
  const kind = addressKind(address);
  return kind === 'local' ? allowPrivateNetwork : kind === 'public' && protocol === 'https:';
}
