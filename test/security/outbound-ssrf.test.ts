import { createHook } from 'node:async_hooks';
import { afterEach, describe, expect, test } from 'vitest';
import { ProviderFailure } from '../../src/domain/provider-failure.ts';
import { addressKind, mayConnect } from '../../src/outbound/address-rules.ts';
import { createGuardedHttp, type GuardedHttp } from '../../src/outbound/guarded-http.ts';
import { outboundUrlFault } from '../../src/outbound/outbound-url.ts';
import { type HostileProvider, json, selfSigned, startHostileProvider } from '../support/provider/hostile-provider.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

function guarded(options: Partial<Parameters<typeof createGuardedHttp>[0]> = {}): GuardedHttp {
  const http = createGuardedHttp({ allowPrivateNetwork: false, connectTimeoutMs: 1000, ...options });
  opened.push(http);
  return http;
}

async function provider(tls?: typeof selfSigned): Promise<HostileProvider> {
  const server = await startHostileProvider(tls);
  opened.push(server);
  server.script('/token', json(200, { reached: true }));
  return server;
}

async function send(http: GuardedHttp, url: string): Promise<ProviderFailure | string | null> {
  try {
    const request = { method: 'POST' as const, url, headers: {}, body: 'client_secret=canary' };
    return (await http.send(request, performance.now() + 2000)).body;
  } catch (error) {
    if (error instanceof ProviderFailure) return error;
    throw error;
  }
}

const refused = { facts: expect.objectContaining({ class: 'refused', sent: false }) };

describe('addresses', () => {
  test.each([
    '127.0.0.1',
    '127.8.8.8',
    '::1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    'fc00::1',
    'fd12:3456::1',
  ])('the local address %s is reached only if private networks are allowed', (address) => {
    expect(addressKind(address)).toBe('local');
    expect(mayConnect(address, 'https:', false)).toBe(false);
    expect(mayConnect(address, 'https:', true)).toBe(true);
  });

  test.each([
    '0.0.0.0',
    '0.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '169.254.169.254',
    '169.254.170.2',
    '168.63.129.16',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    '::8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'fd00:ec2::254',
    '100::1',
    '3fff::1',
    '5f00::1',
    'not-an-address',
    '',
  ])('the address "%s" is never reached', (address) => {
    expect(addressKind(address)).toBe('forbidden');
    expect(mayConnect(address, 'https:', true)).toBe(false);
  });

  test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111'])(
    'the public address %s is reached over https only',
    (address) => {
      expect(addressKind(address)).toBe('public');
      expect(mayConnect(address, 'https:', false)).toBe(true);
      expect(mayConnect(address, 'http:', true)).toBe(false);
    },
  );
});

describe('URLs', () => {
  test.each([
    'https://127.0.0.1/token',
    'https://2130706433/token',
    'https://0x7f.1/token',
    'https://017700000001/',
    'https://127.1/',
    'https://[::1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://169.254.169.254/latest',
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user:secret@example.com/',
    'https://user@example.com/',
    '//example.com',
    '/token',
    '',
    `https://example.com/${'a'.repeat(5000)}`,
  ])('the URL "%s" is refused before its host is resolved', async (url) => {
    let resolved = 0;
    const http = guarded({
      resolve: async () => {
        resolved += 1;
        return ['8.8.8.8'];
      },
    });
    expect(http.urlFault(url)).toEqual(expect.any(String));
    expect(await send(http, url)).toMatchObject(refused);
    expect(resolved).toBe(0);
  });

  test('a metadata address is refused even if private networks are allowed', () => {
    expect(outboundUrlFault('http://169.254.169.254/', true)).not.toBeNull();
    expect(outboundUrlFault('http://8.8.8.8/', true)).not.toBeNull();
    expect(outboundUrlFault('http://10.0.0.1/', true)).toBeNull();
  });
});

describe('host names', () => {
  test.each([[['127.0.0.1']], [['10.0.0.1']], [['8.8.8.8', '127.0.0.1']], [['::ffff:127.0.0.1']], [[]]])(
    'a host name that resolves to %j is never connected to',
    async (addresses) => {
      const server = await provider(selfSigned);
      const port = new URL(server.origin).port;
      const http = guarded({ resolve: async () => addresses, certificateAuthorities: [selfSigned.cert] });
      expect(await send(http, `https://localhost:${port}/token`)).toMatchObject(refused);
      expect(server.received).toHaveLength(0);
    },
  );

  test('a rebinding host name is resolved once, and the connection goes to the address that was checked', async () => {
    const server = await provider();
    const addresses = [['127.0.0.1'], ['169.254.169.254']];
    let lookups = 0;
    const http = guarded({ allowPrivateNetwork: true, resolve: async () => addresses[lookups++] ?? [] });
    expect(await send(http, server.origin.replace('127.0.0.1', 'rebind.test').concat('/token'))).toContain('reached');
    expect(lookups).toBe(1);
  });

  test('a host name that turns private between two calls is refused at the second', async () => {
    const server = await provider();
    server.script('/token', json(200, { reached: true }, { connection: 'close' }));
    const addresses = [['127.0.0.1'], ['169.254.169.254']];
    let lookups = 0;
    const http = guarded({ allowPrivateNetwork: true, resolve: async () => addresses[lookups++] ?? [] });
    const url = `${server.origin.replace('127.0.0.1', 'rebind.test')}/token`;
    expect(await send(http, url)).toContain('reached');
    expect(await send(http, url)).toMatchObject(refused);
    expect(server.received).toHaveLength(1);
  });

  test('a name takes no thread that all organisations share: four silent name servers would hold all of them', async () => {
    const server = await provider();
    const types: string[] = [];
    const hook = createHook({ init: (_id, type) => void types.push(type) }).enable();
    const url = `${server.origin.replace('127.0.0.1', 'localhost')}/token`;
    expect(await send(guarded({ allowPrivateNetwork: true }), url)).toContain('reached');
    expect(types).toContain('TCPWRAP');
    expect(types).not.toContain('GETADDRINFOREQWRAP');
    hook.disable();
  });

  test('plain http to a public address is refused, so that no secret crosses a public network', async () => {
    const http = guarded({ allowPrivateNetwork: true, resolve: async () => ['8.8.8.8'] });
    expect(await send(http, 'http://provider.test/token')).toMatchObject(refused);
  });

  test('a host name that does not resolve fails as a transient call that was not sent', async () => {
    const resolve = async (): Promise<string[]> => {
      throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    };
    expect(await send(guarded({ resolve }), 'https://provider.test/token')).toMatchObject({
      message: expect.stringContaining('resolved'),
      facts: expect.objectContaining({ class: 'transient', sent: false }),
    });
  });
});

describe('TLS', () => {
  test('an untrusted certificate fails with a clear message before the secret is sent', async () => {
    const server = await provider(selfSigned);
    const failure = await send(guarded({ allowPrivateNetwork: true }), `${server.origin}/token`);
    expect(failure).toMatchObject({
      message: expect.stringContaining('certificate'),
      facts: expect.objectContaining({ class: 'transient', sent: false }),
    });
    expect(server.received).toHaveLength(0);
  });

  test('certificate verification stays on when NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
    const server = await provider(selfSigned);
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      expect(await send(guarded({ allowPrivateNetwork: true }), `${server.origin}/token`)).toBeInstanceOf(
        ProviderFailure,
      );
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
    expect(server.received).toHaveLength(0);
  });

  test('a certificate of a configured authority is accepted', async () => {
    const server = await provider(selfSigned);
    const http = guarded({ allowPrivateNetwork: true, certificateAuthorities: [selfSigned.cert] });
    expect(await send(http, `${server.origin}/token`)).toContain('reached');
  });
});
