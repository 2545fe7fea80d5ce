import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSystemNames, type SystemNames } from './system-names.ts';

/** Returns the addresses of a host name. Rejects with ENOTFOUND, or with EAI_AGAIN if no name server answers in time. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface NameLookupOptions {
  timeoutMs: number;
  /** Name servers to use instead of the system's, as address:port. */
  servers?: readonly string[];
  names?: SystemNames;
}

/** Wait of one query before it is sent again. */
const queryMs = 1500;
const queryTries = 3;
/** Wait for the addresses of the other family once one has arrived (RFC 8305 §3). Some servers never answer AAAA. */
const otherFamilyMs = 250;

/**
 * Resolves names over the network without the system's getaddrinfo, which holds one of the process's four worker threads
 * until the name server answers: four silent servers of one organisation would stop file access, signing and look-ups
 * for all. Each look-up has a socket and a time limit of its own. The hosts file, search domains and localhost work as
 * with the system's resolver; other sources of nsswitch.conf(5) are not asked.
 */
export function createNameLookup({ timeoutMs, servers, names = createSystemNames() }: NameLookupOptions): Resolve {
  const running = new Map<string, Promise<readonly string[]>>();

  async function lookUp(hostname: string): Promise<readonly string[]> {
    const known = names.hostAddresses(hostname);
    if (known.length > 0) return known;
    // RFC 6761 §6.3: no name server decides where localhost is.
    if (/(^|\.)localhost\.?$/.test(hostname)) return ['127.0.0.1', '::1'];
    const resolver = new Resolver({ timeout: queryMs, tries: queryTries });
    if (servers !== undefined) resolver.setServers(servers);
    const timer = setTimeout(() => resolver.cancel(), timeoutMs);
    try {
      for (const name of names.candidates(hostname)) {
        const addresses = await query(resolver, name);
        if (addresses.length > 0) return addresses;
      }
      throw failed('ENOTFOUND');
    } finally {
      clearTimeout(timer);
      resolver.cancel();
    }
  }

  return (hostname) => {
    const name = hostname.toLowerCase();
    const found = running.get(name);
    if (found !== undefined) return found;
    const lookup = lookUp(name).finally(() => running.delete(name));
    running.set(name, lookup);
    return lookup;
  };
}

/** Returns the addresses of a full name, IPv4 first; empty if it has none. */
async function query(resolver: Resolver, name: string): Promise<string[]> {
  const v4 = resolver.resolve4(name).catch(noneIfAbsent);
  const v6 = resolver.resolve6(name).catch(noneIfAbsent);
  const both = Promise.all([v4, v6]).then((families) => families.flat());
  const alone = async (family: Promise<string[]>) => {
    const addresses = await family;
    return addresses.length === 0 ? both : sleep(otherFamilyMs, addresses, { ref: false });
  };
  return Promise.any([both, alone(v4), alone(v6)]).catch(() => {
    throw failed('EAI_AGAIN');
  });
}

/** c-ares reports a missing name as ENOTFOUND, a name without addresses of the family as ENODATA. */
function noneIfAbsent(error: unknown): string[] {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
  throw failed('EAI_AGAIN');
}

function failed(code: string): Error {
  return Object.assign(new Error('The name could not be resolved.'), { code });
}
