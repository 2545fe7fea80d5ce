import ipaddr from 'ipaddr.js';

/** Returns true if a host is reached without the proxy. `host` is a URL's hostname, with brackets around IPv6. */
export type BypassesProxy = (host: string, port: number) => boolean;

/**
 * Parses NO_PROXY as curl does: entries between commas or spaces, each a host, a suffix of hosts (`example.com` and
 * `.example.com` alike), an address or a CIDR range, with an optional port; `*` is every host. Entries that are none of
 * these match nothing: other programs of the machine read the variable too.
 */
export function parseNoProxy(text: string): BypassesProxy {
  const entries = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  return (host, port) => {
    const name = host
      .toLowerCase()
      .replace(/^\[|\]$/g, '')
      .replace(/\.$/, '');
    return entries.some((entry) => matches(entry, name, port));
  };
}

function matches(entry: string, name: string, port: number): boolean {
  if (entry === '*') return true;
  const [, bracketed, plain, entryPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  // An IPv6 address without brackets has no port.
  const host = bracketed ?? plain ?? entry;
  if (entryPort !== undefined && Number(entryPort) !== port) return false;
  return ipaddr.isValid(name) ? matchesAddress(host, name) : matchesName(host, name);
}

function matchesName(entry: string, name: string): boolean {
  const suffix = entry.replace(/^\*?\./, '').replace(/\.$/, '');
  return suffix !== '' && (name === suffix || name.endsWith(`.${suffix}`));
}

function matchesAddress(entry: string, name: string): boolean {
  const address = ipaddr.process(name);
  if (ipaddr.isValidCIDR(entry)) {
    const [network, bits] = ipaddr.parseCIDR(entry);
    return network.kind() === address.kind() && address.match(network, bits);
  }
  return ipaddr.isValid(entry) && ipaddr.process(entry).toString() === address.toString();
}
