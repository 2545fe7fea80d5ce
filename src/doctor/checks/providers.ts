import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import type { Endpoint, Ground, LastError } from '../ground.ts';
import type { Machine } from '../machine.ts';
import { type Place, placeOf } from '../place.ts';

const ports = { 'https:': 443, 'http:': 80 };
/** Classes of `last_error` that say that no answer of a provider arrived. */
const unreachable = ['transient', 'refused'];
const cure =
  'Check names, firewall and PROVIDER_PROXY_URL on the machine of the service, and token_url of the connection.';

/** Checks that token endpoints accept connections, from here and by the last errors of the service. */
export const providersCheck: Check = {
  name: 'providers',
  async run(ground) {
    const reply = await ground.endpoints();
    if (!reply.isRead) return skipped(reply.found, reply.next);
    const endpoints = reply.body;
    if (endpoints.length === 0) return ok('There is no connection to a provider yet.');
    const { machine, isLocal } = ground;
    const faults = machine !== null && isLocal ? await tryAll(machine, endpoints) : [];
    if (faults.length > 0) return failed(`${shown(faults)}.`, cure);
    const failing = endpoints.filter(({ lastError }) => lastError !== null && unreachable.includes(lastError.class));
    if (failing.length > 0) return failed(`${shown(failing.map(describe))}.`, cure);
    return ofGrants(ground, endpoints);
  },
};

async function tryAll(machine: Machine, endpoints: readonly Endpoint[]): Promise<string[]> {
  const places = new Map<string, { place: Place; connection: string }>();
  for (const { tokenUrl, connection } of endpoints) {
    const place = placeOf(tokenUrl, ports);
    if (place !== undefined) places.set(`${place.host}:${place.port}`, { place, connection });
  }
  const tried = [...places].map(async ([at, { place, connection }]) => {
    const fault = await machine.providerFault(place);
    return fault === undefined ? [] : [`${at} of the connection ${connection}: ${fault}`];
  });
  return (await Promise.all(tried)).flat();
}

/** Working grants whose last refresh failed: the service tries again by itself. */
function ofGrants({ access, isLocal }: Ground, endpoints: readonly Endpoint[]): Finding {
  const count = access.state === 'accepted' ? access.stats.failing.count : 0;
  if (count > 0) {
    return warning(
      `The last refresh of ${count} grants failed. The service tries again by itself.`,
      'Read last_error of the grants: token-broker grants list NAME.',
    );
  }
  const hosts = new Set(endpoints.map(({ tokenUrl }) => placeOf(tokenUrl, ports)?.host)).size;
  if (isLocal) return ok(`${hosts} token endpoint${hosts === 1 ? ' accepts' : 's accept'} connections from here.`);
  return ok('No refresh fails. Run doctor on the machine of the service to try the connections too.');
}

function describe({ connection, lastError }: Endpoint): string {
  const text = lastError?.error_description ?? lastError?.error ?? lastError?.class;
  return `The last token request of the connection ${connection} failed: ${withoutStop(text ?? 'no answer')}`;
}

function withoutStop(text: NonNullable<LastError['error']>): string {
  return text.replace(/\.$/, '');
}

const maxShown = 3;

function shown(faults: readonly string[]): string {
  const more = faults.length - maxShown;
  return [...faults.slice(0, maxShown), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
