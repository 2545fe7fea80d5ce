import type { Ground } from '../ground.ts';
import { type Place, placeOf } from '../probes/connect.ts';
import { settingOf } from './variables.ts';

const ports = { 'http:': 80, 'https:': 443 };

/** The proxy of provider calls, as the service uses it. */
export interface ProviderProxy extends Place {
  authorization: string | null;
  /** Whether NO_PROXY names the host. Ranges of addresses are not compared here. */
  leavesOut(host: string): boolean;
}

/** Reads PROVIDER_PROXY_URL and NO_PROXY. Undefined without a proxy. */
export function proxyOf(ground: Pick<Ground, 'environment' | 'directory'>): ProviderProxy | undefined {
  const setting = settingOf(ground, 'PROVIDER_PROXY_URL');
  const place = setting && placeOf(setting.value, ports);
  if (setting === undefined || place === undefined) return undefined;
  const { username, password } = new URL(setting.value);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const exceptions = (ground.environment.NO_PROXY ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  return {
    ...place,
    authorization: username === '' ? null : `Basic ${Buffer.from(credentials).toString('base64')}`,
    leavesOut: (host) => exceptions.some((exception) => covers(exception, host.toLowerCase())),
  };
}

function covers(exception: string, host: string): boolean {
  const suffix = exception.replace(/^\*?\.?/, '');
  return exception === '*' || host === suffix || host.endsWith(`.${suffix}`);
}
