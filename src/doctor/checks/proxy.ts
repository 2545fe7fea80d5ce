import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import type { Ground } from '../ground.ts';
import type { Machine, ProviderProxy } from '../machine.ts';
import { placeOf } from '../place.ts';

/** Variables of other programs, which the service does not use. */
const unused = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
const ports = { 'https:': 443, 'http:': 80 };

/** Checks that a proxy which the environment names is used, and accepts connections. */
export const proxyCheck: Check = {
  name: 'proxy',
  async run(ground) {
    const { machine, isLocal } = ground;
    if (machine === null) {
      return skipped('Its variables are not read here.', 'Run token-broker doctor on the machine of the service.');
    }
    if (!isLocal) return skipped('Not known: the variables are those of another machine.');
    if (machine.proxy !== undefined) return ofProxy(ground, machine, machine.proxy);
    const named = unused.find((name) => machine.setting(name) !== undefined);
    if (named === undefined) return ok('No proxy is set.');
    return warning(
      `${named} is set, and provider calls do not go through it: PROVIDER_PROXY_URL is not set.`,
      `Set PROVIDER_PROXY_URL to the value of ${named} if provider calls need the proxy, and restart.`,
    );
  },
};

async function ofProxy(ground: Ground, machine: Machine, proxy: ProviderProxy): Promise<Finding> {
  const at = `${proxy.host}:${proxy.port}`;
  const fault = await machine.connectionFault(proxy);
  if (fault !== undefined) {
    return failed(
      `The proxy of PROVIDER_PROXY_URL at ${at}: ${fault}.`,
      'Start the proxy, or correct PROVIDER_PROXY_URL.',
    );
  }
  const reply = await ground.endpoints();
  const hosts = (reply.isRead ? reply.body : []).flatMap(({ tokenUrl }) => placeOf(tokenUrl, ports)?.host ?? []);
  if (hosts.length > 0 && hosts.every((host) => proxy.leavesOut(host))) {
    return warning(
      'PROVIDER_PROXY_URL is set, and NO_PROXY leaves out the host of every connection.',
      'Correct NO_PROXY, or remove PROVIDER_PROXY_URL.',
    );
  }
  return ok(`The proxy of PROVIDER_PROXY_URL accepts connections at ${at}.`);
}
