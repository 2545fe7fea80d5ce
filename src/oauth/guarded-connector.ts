import { lookup as systemLookup } from 'node:dns/promises';
import { isIPv6, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { mayConnect } from './address-rules.ts';
import type { ClientCertificate } from './client-certificate.ts';

export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface ConnectorOptions {
  allowPrivateNetwork: boolean;
  /** Bounds resolving, connecting and the TLS handshake together. */
  connectTimeoutMs: number;
  resolve?: Resolve;
  /** PEM certificates trusted instead of the system's. */
  certificateAuthorities?: readonly string[];
}

/** A name that resolved to an address the broker must not talk to. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED';
}

/** Opens sockets only to addresses the rules allow. Each name is resolved once, and the socket goes to what was checked. */
export function createGuardedConnector(
  options: ConnectorOptions,
  certificate: ClientCertificate | null = null,
): buildConnector.connector {
  const resolve = options.resolve ?? resolveBySystem;
  const common = { timeout: options.connectTimeoutMs, allowH2: false };
  const plain = buildConnector({ ...common, lookup: guardedLookup(resolve, 'http:', options.allowPrivateNetwork) });
  const secure = buildConnector({
    ...common,
    lookup: guardedLookup(resolve, 'https:', options.allowPrivateNetwork),
    // Said outright, because the environment (NODE_TLS_REJECT_UNAUTHORIZED) could otherwise switch it off.
    rejectUnauthorized: true,
    ...(options.certificateAuthorities && { ca: [...options.certificateAuthorities] }),
    ...(certificate && { cert: certificate.chain, key: certificate.key.reveal() }),
  });
  return (target, callback) => (target.protocol === 'https:' ? secure : plain)(target, callback);
}

async function resolveBySystem(hostname: string): Promise<string[]> {
  const answers = await systemLookup(hostname, { all: true });
  return answers.map(({ address }) => address);
}

function guardedLookup(resolve: Resolve, protocol: 'http:' | 'https:', allowPrivateNetwork: boolean): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        // One bad address condemns the name: which of them a socket takes is not ours to choose.
        if (first === undefined || !addresses.every((address) => mayConnect(address, protocol, allowPrivateNetwork))) {
          callback(new AddressRefused('The name resolves to an address that may not be reached.'), '', 0);
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

function familyOf(address: string): 4 | 6 {
  return isIPv6(address) ? 6 : 4;
}
