import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFindClientAddress, type TrustedProxies } from '../../../../src/http/limits/client-address.ts';

const proxy = '10.0.0.9';
const behindOneProxy = createFindClientAddress(1);

describe('one entry of X-Forwarded-For', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['203.0.113.7:', '203.0.113.7'],
    ['203.0.113.7:_port', '203.0.113.7'],
    [' \t203.0.113.7 ', '203.0.113.7'],
    ['"203.0.113.7:4711"', '203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0:0::0001', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:443', 'fe80::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['[::ffff:cb00:7107]:443', '203.0.113.7'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is the address %s', (entry, address) => {
    expect(behindOneProxy(proxy, entry)).toBe(address);
    expect(behindOneProxy(proxy, `198.51.100.1, ${entry}`)).toBe(address);
  });

  test.each([
    '',
    ' , ,',
    'unknown',
    '_hidden',
    '_hidden:4711',
    'localhost',
    '203.0.113',
    '203.0.113.07',
    '203.0.113.7:port',
    '203.0.113.7:123456',
    '203.0.113.256',
    '[203.0.113.7]x',
    '[2001:db8::1',
    '2001:db8::1]',
    '[]:443',
    'http://203.0.113.7',
    '203.0.113.7 198.51.100.1',
    '"',
    '%',
  ])('%j names no address, so the proxy stands for its client', (entry) => {
    expect(behindOneProxy(proxy, entry)).toBe(proxy);
    expect(createFindClientAddress(['10.0.0.0/8'])(proxy, entry)).toBe(proxy);
  });

  test('empty members are ignored, wherever they stand', () => {
    for (const list of [
      '203.0.113.7,',
      ',203.0.113.7',
      '198.51.100.1,,203.0.113.7, ,',
      '198.51.100.1, ,203.0.113.7:1 ,',
    ])
      expect(behindOneProxy(proxy, list)).toBe('203.0.113.7');
  });
});

describe('trusted proxies', () => {
  const list = '203.0.113.7:1, 192.0.2.1:2, [fd00::2]:3, 10.0.0.3';

  test.each<[TrustedProxies, string]>([
    [false, proxy],
    [1, '10.0.0.3'],
    [2, 'fd00::2'],
    [3, '192.0.2.1'],
    [4, '203.0.113.7'],
    [9, '203.0.113.7'],
    [['10.0.0.9'], '10.0.0.3'],
    [['10.0.0.0/8'], 'fd00::2'],
    [['10.0.0.0/8', 'fd00::/8'], '192.0.2.1'],
    [['10.0.0.0/8', 'fd00::2'], '192.0.2.1'],
    [['0.0.0.0/0', '::/0'], '203.0.113.7'],
    [['192.0.2.0/24'], proxy],
    [['fe80::1%eth0', '10.0.0.9/32'], '10.0.0.3'],
  ])('with TRUST_PROXY %j the client is %s', (trusted, address) => {
    expect(createFindClientAddress(trusted)(proxy, list)).toBe(address);
    expect(createFindClientAddress(trusted)(`::ffff:${proxy}`, list)).toBe(address);
  });

  test('a proxy without an address is no member of a range and counts as a hop', () => {
    expect(createFindClientAddress(['10.0.0.0/8'])(proxy, '203.0.113.7, unknown')).toBe(proxy);
    expect(createFindClientAddress(2)(proxy, '203.0.113.7, unknown')).toBe('203.0.113.7');
  });

  test('a client that has disconnected has the address that the trusted proxy forwarded', () => {
    expect(behindOneProxy(undefined, '203.0.113.7:1')).toBe('203.0.113.7');
    expect(createFindClientAddress(false)(undefined, '203.0.113.7')).toBe('0.0.0.0');
  });
});

describe('for any list', () => {
  const address = fc.oneof(
    fc.ipV4().map((text) => ({ text, canonical: text })),
    fc.tuple(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 1, max: 0xffff })).map(([middle, last]) => ({
      text: `2001:db8:${middle.toString(16)}:0::${last.toString(16)}`,
      canonical: new URL(`http://[2001:db8:${middle.toString(16)}::${last.toString(16)}]`).hostname.slice(1, -1),
    })),
  );
  const port = fc.integer({ min: 1, max: 65_535 });
  const entry = fc.tuple(address, port, fc.nat(4)).map(([{ text, canonical }, number, shape]) => {
    const isV6 = text.includes(':');
    const bracketed = isV6 ? `[${text}]` : text;
    const shapes = [
      text,
      bracketed,
      `${bracketed}:${number}`,
      `"${bracketed}:${number}"`,
      isV6 ? `${text}%eth0` : text,
    ];
    return { text: shapes[shape] ?? text, canonical };
  });
  const written = fc.array(
    fc.oneof(
      entry.map(({ text }) => text),
      fc.string({ unit: 'binary-ascii' }),
      fc.constant('unknown'),
    ),
    {
      maxLength: 200,
    },
  );
  const separator = fc.constantFrom(',', ', ', ' , ', ',\t', ', ,');

  test('what a client writes before its own address changes nothing', () => {
    fc.assert(
      fc.property(written, fc.array(entry, { minLength: 1, maxLength: 4 }), separator, (forged, appended, between) => {
        const find = createFindClientAddress(appended.length);
        const list = [...forged, ...appended.map(({ text }) => text)].join(between);
        expect(find(proxy, list)).toBe(appended[0]?.canonical);
        expect(find(proxy, `${list}${between}`)).toBe(appended[0]?.canonical);
      }),
    );
  });

  test('an address ends the walk at the first one outside the trusted ranges', () => {
    fc.assert(
      fc.property(written, entry, fc.array(fc.ipV4(), { maxLength: 5 }), (forged, client, inner) => {
        const hops = inner.map((text) => text.replace(/^\d+/, '10'));
        fc.pre(!client.canonical.startsWith('10.'));
        const list = [...forged, client.text, ...hops].join(', ');
        expect(createFindClientAddress(['10.0.0.0/8'])(proxy, list)).toBe(client.canonical);
      }),
    );
  });

  test('any text yields an address of the list or the proxy', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.constantFrom<TrustedProxies>(1, 5, ['0.0.0.0/0', '::/0']),
        (text, trusted) => {
          expect(createFindClientAddress(trusted)(proxy, text)).toMatch(/^[0-9a-f.:]+$/);
        },
      ),
    );
  });
});
