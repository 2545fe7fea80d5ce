import { isIP, isIPv6, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { mayConnect } from './address-rules.ts';
import type { ClientCertificate } from './http-types.ts';
import { createNameLookup, type Resolve } from './name-lookup.ts';
import { openTunnel, type ProviderProxy } from './proxy-tunnel.ts';

export interface ConnectorOptions {
  allowPrivateNetwork: boolean;
  /** Bounds resolving, connecting and the TLS handshake together. */
  connectTimeoutMs: number;
  resolve?: Resolve;
  /** PEM certificates trusted instead of the system's. */
  certificateAuthorities?: readonly string[];
  /** Opens the connections, except those to hosts that bypass it. */
  proxy?: ProviderProxy | null;
}

/** Share of the time for connecting that a name look-up may take. The rest is for the connection itself. */
const lookupShare = 1 / 2;

/** Thrown when a name resolves to an address that the rules forbid. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED';
}

/**
 * Opens sockets only to allowed addresses. It resolves each name once and connects to the addresses it has checked. A
 * proxy resolves names itself, and the proxy's own address is the operator's choice.
 */
export function createGuardedConnector(
  options: ConnectorOptions,
  certificate: ClientCertificate | null = null,
): buildConnector.connector {
  const resolve = options.resolve ?? createNameLookup({ timeoutMs: lookupShare * options.connectTimeoutMs });
  const { connectTimeoutMs, allowPrivateNetwork, certificateAuthorities, proxy = null } = options;
  const common = { timeout: connectTimeoutMs, allowH2: false };
  const lookupFor = (protocol: Protocol) =>
    guardedLookup(resolve, (address) => mayConnect(address, protocol, allowPrivateNetwork));
  const plain = buildConnector({ ...common, lookup: lookupFor('http:') });
  const secure = buildConnector({
    ...common,
    lookup: lookupFor('https:'),
    // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED in the environment could otherwise switch verification off.
    rejectUnauthorized: true,
    ...(certificateAuthorities && { ca: [...certificateAuthorities] }),
    ...(certificate && { cert: certificate.chain, key: certificate.key.reveal() }),
  });
  return (target, callback) => {
    const isSecure = target.protocol === 'https:';
    const port = Number(target.port) || (isSecure ? 443 : 80);
    const { hostname } = target;
    if (proxy === null || proxy.bypasses(hostname, port)) return (isSecure ? secure : plain)(target, callback);
    if (!mayTunnel(hostname, isSecure, allowPrivateNetwork)) return callback(addressRefused(), null);
    const host = isIPv6(hostname) ? `[${hostname}]` : hostname;
    const lookup = guardedLookup(resolve, () => true);
    openTunnel(proxy, { host, port }, { timeoutMs: connectTimeoutMs, lookup, certificateAuthorities }).then(
      (socket) => (isSecure ? secure({ ...target, httpSocket: socket }, callback) : callback(null, socket)),
      (error: Error) => callback(error, null),
    );
  };
}

type Protocol = 'http:' | 'https:';

/**
 * Judges a name that the proxy will resolve; literals were judged with the URL. Plain http needs a private address,
 * which no name proves here. localhost would be the proxy's own machine.
 */
function mayTunnel(hostname: string, isSecure: boolean, allowPrivateNetwork: boolean): boolean {
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return true;
  return isSecure && (allowPrivateNetwork || !/(^|\.)localhost\.?$/i.test(hostname));
}

function guardedLookup(resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        // One forbidden address refuses the whole name: the socket may connect to any address of the list.
        if (first === undefined || !addresses.every(isAllowed)) {
          callback(addressRefused(), '', 0);
        } else if (all) {
          callback(
            null,
            addresses.map((address) => ({ address, family: familyOf(address) })),
          );
        } else {
          callback(null, first, familyOf(first));
        }
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
}

function addressRefused(): AddressRefused {
  return new AddressRefused('The name resolves to an address that may not be reached.');
}

function familyOf(address: string): 4 | 6 {
  return isIPv6(address) ? 6 : 4;
}
