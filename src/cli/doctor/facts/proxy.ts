import type { ProviderProxy } from '../../../doctor/machine.ts';
import { placeOf } from '../../../doctor/place.ts';
import { settingOf, type Variables } from './variables.ts';

const ports = { 'http:': 80, 'https:': 443 };

/** The proxy of provider calls, as the service uses it. */
export interface AuthorizedProxy extends ProviderProxy {
  /** Value of Proxy-Authorization; null if the proxy needs no password. */
  authorization: string | null;
}

/** Reads PROVIDER_PROXY_URL and NO_PROXY. Undefined without a proxy. */
export function proxyOf(variables: Variables): AuthorizedProxy | undefined {
  const setting = settingOf(variables, 'PROVIDER_PROXY_URL');
  const place = setting && placeOf(setting.value, ports);
  if (setting === undefined || place === undefined) return undefined;
  const { username, password } = new URL(setting.value);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const exceptions = (variables.environment.NO_PROXY ?? '')
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
