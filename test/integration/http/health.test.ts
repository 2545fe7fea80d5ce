import { expect, test } from 'vitest';
import { createHttpFixture } from '../../support/http/server-fixture.ts';

test('a worker serves the health routes and no others', async () => {
  const { call } = await createHttpFixture({}, { serves: 'health' });
  for (const url of ['/health', '/livez', '/readyz']) expect((await call({ url })).statusCode).toBe(200);
  for (const url of ['/connections', '/credentials/gmail', '/openapi.json', '/docs']) {
    expect((await call({ url })).statusCode).toBe(404);
  }
});
