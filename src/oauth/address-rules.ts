import ipaddr from 'ipaddr.js';

/** Whether a provider may live at an address: anywhere public, or only where private networks are allowed, or never. */
export type AddressKind = 'public' | 'local' | 'forbidden';

/** Cloud metadata services outside the link-local ranges: their answers hand out credentials of the machine. */
const metadata = new Set(['168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254']);
const localRanges = new Set(['loopback', 'private', 'uniqueLocal']);
/** RFC 4291 §2.4: what is not in it is no global unicast; IPv4-compatible `::/96` has no range name of its own. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/** Mapped, NAT64, 6to4 and Teredo addresses are forbidden whatever they embed: no resolver of a public name needs them. */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address) || address.includes('%')) return 'forbidden';
  const parsed = ipaddr.parse(address);
  if (metadata.has(parsed.toString())) return 'forbidden';
  const range = parsed.range();
  if (localRanges.has(range)) return 'local';
  if (range !== 'unicast') return 'forbidden';
  return parsed instanceof ipaddr.IPv4 || parsed.match(globalUnicast) ? 'public' : 'forbidden';
}

/** Plain http stays on private networks: on a public one it would show secrets to everybody between. */
export function mayConnect(address: string, protocol: 'http:' | 'https:', allowPrivateNetwork: boolean): boolean {
  const kind = addressKind(address);
  return kind === 'local' ? allowPrivateNetwork : kind === 'public' && protocol === 'https:';
}
