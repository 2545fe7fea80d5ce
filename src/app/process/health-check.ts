import { request } from 'node:http';
import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../../config/listen-address.ts';

/** Leaves the start of this process as much of the image's 30 seconds on a busy host, so that the reason is still printed. */
const limitMs = 15_000;
/** A service that listens on every address is checked on loopback: no other address is sure to exist. */
const loopbackOf: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Checks that the service of this configuration is alive. Throws with the reason if it is not. */
export async function checkHealth({ host, port, basePath }: ListenAddress): Promise<void> {
  if (port === 0) throw new Error('The health check needs a PORT: with PORT=0 only the service knows its port.');
  const hostname = loopbackOf[host] ?? host;
  const path = `${basePath}/livez`;
  const { promise: status, resolve, reject } = Promise.withResolvers<number | undefined>();
  // Not fetch: it would load a whole client, and take longer than the check.
  const call = request({ hostname, port, path, agent: false, timeout: limitMs }, (response) => {
    resolve(response.statusCode);
    response.destroy();
  });
  call.once('error', reject).once('timeout', () => reject(new Error(`no response within ${limitMs} ms`)));
  call.end();
  const url = `http://${isIPv6(hostname) ? `[${hostname}]` : hostname}:${port}${path}`;
  const code = await status.catch((error: Error) => {
    throw new Error(`${url}: ${error.message}`);
  });
  if (code !== 200) throw new Error(`${url}: status ${code}`);
}
