import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openProvider } from '../../../src/app/provider.ts';
import { loadConfig } from '../../../src/config.ts';
import type { ProviderFailure } from '../../../src/domain/provider-failure.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createGuardedHttp, type GuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { parseNoProxy } from '../../../src/outbound/no-proxy.ts';
import { certify } from '../../support/oauth-server/certificates.ts';
import { type ConnectProxy, startConnectProxy } from '../../support/provider/connect-proxy.ts';
import { type HostileProvider, json, startHostileProvider } from '../../support/provider/hostile-provider.ts';

const authority = certify('authority', { isAuthority: true });
const server = certify('provider.test', { issuer: authority });

let proxy: ConnectProxy;
let provider: HostileProvider;
let http: GuardedHttp | undefined;
beforeEach(async () => {
  [proxy, provider] = await Promise.all([startConnectProxy(), startHostileProvider(server)]);
  provider.script('/token', json(200, {}));
});
afterEach(async () => {
  await http?.close();
  http = undefined;
  await Promise.all([proxy.close(), provider.close()]);
});

const portOf = (origin: string) => new URL(origin).port;

function through(url: string, { noProxy = '', allowPrivateNetwork = false } = {}) {
  http = createGuardedHttp({
    allowPrivateNetwork,
    connectTimeoutMs: 2000,
    certificateAuthorities: [authority.cert],
    proxy: { url: new Secret(url), bypasses: parseNoProxy(noProxy) },
  });
  const opened = http;
  return (target: string) =>
    opened
      .send({ method: 'POST', url: target, headers: {}, body: 'secret=canary' }, performance.now() + 5000)
      .catch((error: ProviderFailure) => error);
}

describe('a provider proxy', () => {
  test('a call goes through CONNECT, the proxy resolves the name, and TLS ends at the provider', async () => {
    const send = through(proxy.origin);
    expect(await send(`https://provider.test:${portOf(provider.origin)}/token`)).toMatchObject({ status: 200 });
    expect(proxy.targets).toEqual([`provider.test:${portOf(provider.origin)}`]);
    expect(provider.received).toMatchObject([{ body: 'secret=canary', headers: { host: /provider\.test/ } }]);
    expect(provider.received[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  test('user and password authenticate at the proxy, decoded', async () => {
    const send = through(proxy.origin.replace('//', '//broker:p%40ss@'));
    await send(`https://provider.test:${portOf(provider.origin)}/token`);
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('broker:p@ss').toString('base64')}`]);
  });

  test('the connection to an https proxy is verified and encrypted', async () => {
    const secure = await startConnectProxy(certify('127.0.0.1', { issuer: authority }));
    const untrusted = await startConnectProxy(certify('127.0.0.1'));
    const target = `https://provider.test:${portOf(provider.origin)}/token`;
    expect(await through(secure.origin)(target)).toMatchObject({ status: 200 });
    await http?.close();
    expect(await through(untrusted.origin)(target)).toMatchObject({ facts: { sent: false } });
    expect(untrusted.targets).toEqual([]);
    await Promise.all([secure.close(), untrusted.close()]);
  });

  test.each([407, 403, 502])('status %i of the proxy is a transient failure before sending', async (status) => {
    proxy.refuseWith = status;
    const failure = await through(proxy.origin)('https://provider.test/token');
    expect(failure).toMatchObject({ message: /proxy/, facts: { class: 'transient', sent: false } });
  });

  test('a proxy that is away is a transient failure before sending', async () => {
    const { origin } = proxy;
    await proxy.close();
    const failure = await through(origin)('https://provider.test/token');
    expect(failure).toMatchObject({ facts: { class: 'transient', sent: false } });
  });

  test('a provider whose certificate is not for the name is refused behind the proxy too', async () => {
    const failure = await through(proxy.origin)(`https://other.test:${portOf(provider.origin)}/token`);
    expect(failure).toMatchObject({ message: /certificate/, facts: { sent: false } });
  });

  test.each([
    'https://127.0.0.1/token',
    'https://169.254.169.254/token',
    'https://[::1]/token',
    'https://0x7f.1/token',
    'https://localhost/token',
    'https://app.localhost/token',
    'http://provider.test/token',
  ])('%s is refused here and never reaches the proxy', async (url) => {
    expect(await through(proxy.origin)(url)).toMatchObject({ facts: { class: 'refused', sent: false } });
    expect(proxy.targets).toEqual([]);
  });

  test('plain http goes to a private literal through the proxy, and to no name', async () => {
    const plain = await startHostileProvider();
    plain.script('/token', json(200, {}));
    const send = through(proxy.origin, { allowPrivateNetwork: true });
    expect(await send(`${plain.origin}/token`)).toMatchObject({ status: 200 });
    expect(await send(`http://provider.test:${portOf(plain.origin)}/token`)).toMatchObject({ facts: { sent: false } });
    expect(proxy.targets).toEqual([`127.0.0.1:${portOf(plain.origin)}`]);
    await plain.close();
  });

  test('a host of NO_PROXY goes without the proxy, under the address rules', async () => {
    const send = through(proxy.origin, { noProxy: '127.0.0.0/8, localhost', allowPrivateNetwork: true });
    expect(await send(`${provider.origin}/token`)).toMatchObject({ status: 200 });
    await http?.close();
    const strict = through(proxy.origin, { noProxy: 'localhost' });
    expect(await strict('https://localhost/token')).toMatchObject({ facts: { class: 'refused' } });
    expect(proxy.targets).toEqual([]);
  });
});

test.each([
  ['example.com', 'example.com', 443, true],
  ['example.com', 'api.example.com', 443, true],
  ['.example.com', 'api.example.com', 443, true],
  ['.example.com', 'example.com', 443, true],
  ['*.example.com', 'api.example.com', 443, true],
  ['example.com', 'notexample.com', 443, false],
  ['example.com:8443', 'example.com', 8443, true],
  ['example.com:8443', 'example.com', 443, false],
  ['EXAMPLE.com.', 'Example.COM', 443, true],
  ['*', 'anything.test', 443, true],
  ['10.0.0.0/8', '10.1.2.3', 443, true],
  ['10.0.0.0/8', '11.1.2.3', 443, false],
  ['10.0.0.0/8', 'ten.test', 443, false],
  ['192.0.2.1', '192.0.2.1', 443, true],
  ['192.0.2.1:80', '192.0.2.1', 443, false],
  ['2001:db8::/32', '[2001:db8::7]', 443, true],
  ['[2001:db8::7]', '[2001:db8:0::7]', 443, true],
  ['[2001:db8::7]:8443', '[2001:db8::7]', 443, false],
  ['one.test two.test,three.test', 'two.test', 443, true],
  ['', 'example.com', 443, false],
  ['http://odd, :, /, [', 'example.com', 443, false],
])('NO_PROXY %j with the host %s and port %i: %s', (noProxy, host, port, bypasses) => {
  expect(parseNoProxy(noProxy)(host, port)).toBe(bypasses);
});

describe('the configuration of the proxy', () => {
  test('the URL is a secret, and NO_PROXY is taken as it is', () => {
    const env = { PROVIDER_PROXY_URL: 'http://user:hunter2@proxy:3128', NO_PROXY: 'a.test', HTTPS_PROXY: 'http://x' };
    const { providerProxy } = loadConfig(env);
    expect(providerProxy).toMatchObject({ noProxy: 'a.test', unusedVariable: null });
    expect(JSON.stringify(providerProxy)).not.toContain('hunter2');
    expect(providerProxy.url?.reveal()).toBe(env.PROVIDER_PROXY_URL);
  });

  test.each(['HTTPS_PROXY', 'https_proxy'])('%s alone has no effect and is logged once', async (variable) => {
    const config = loadConfig({ [variable]: 'http://hunter2@proxy:3128' });
    const lines: string[] = [];
    const log = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) });
    await openProvider(config, log, {
      now: () => new Date(),
      onRequestEnd: () => undefined,
      onCircuitOpened: () => undefined,
    }).close();
    expect(lines).toEqual([expect.stringContaining(`"variable":"${variable}"`)]);
    expect(lines[0]).not.toContain('hunter2');
    expect(config.providerProxy).toEqual({ url: null, noProxy: '', unusedVariable: variable });
  });

  test.each(['proxy:3128', 'socks5://proxy', 'hunter2'])('%s is no URL of a proxy', (url) => {
    expect(() => loadConfig({ PROVIDER_PROXY_URL: url })).toThrow(/PROVIDER_PROXY_URL/);
  });
});
