import { afterEach, beforeEach, expect, test } from 'vitest';
import { callService } from '../../src/kms/service-call.ts';
import { type HostileProvider, json, selfSigned, startHostileProvider } from '../support/provider/hostile-provider.ts';

const variable = 'NODE_TLS_REJECT_UNAUTHORIZED';
const before = process.env[variable];
let service: HostileProvider;
beforeEach(async () => {
  service = await startHostileProvider(selfSigned);
  service.script('/wrap', json(200, {}));
});
afterEach(async () => {
  if (before === undefined) delete process.env[variable];
  else process.env[variable] = before;
  await service.close();
});

const wrap = (ca?: string) =>
  callService({
    method: 'POST',
    url: `${service.origin}/wrap`,
    headers: {},
    body: 'a data key',
    ...(ca !== undefined && { ca }),
  });

test.each(['1', '0'])(
  'a key service with an untrusted certificate receives no key, also with NODE_TLS_REJECT_UNAUTHORIZED=%s',
  async (value) => {
    process.env[variable] = value;
    await expect(wrap()).rejects.toMatchObject({ kind: 'unreachable' });
    expect(service.received).toEqual([]);
  },
);

test('a key service with the certificate of a configured authority is called', async () => {
  expect(await wrap(selfSigned.cert)).toMatchObject({ status: 200 });
  expect(service.received).toHaveLength(1);
});
