import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contract } from '../../../src/http/contract/contract.ts';
import { createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture;
let based: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture();
  based = await createHttpFixture({}, { basePath: '/api/oauth' });
});
afterAll(async () => {
  await fixture.app.close();
  await based.app.close();
});

const declared = Map.groupBy(contract, ({ path }) => path);
const methodsOf = (path: string) => {
  const methods: string[] = declared.get(path)?.map(({ method }) => method) ?? [];
  return (methods.includes('GET') ? [...methods, 'HEAD'] : methods).toSorted();
};
const urlOf = (path: string) => path.replace(/\{\w+\}/g, 'x%2Fy');
const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const;

describe.each([...declared.keys()])('%s', (path) => {
  test('gets 405 with Allow for every method that it does not have, with or without a caller', async () => {
    const methods = methodsOf(path);
    for (const method of others.filter((one) => !methods.includes(one))) {
      for (const [app, url] of [
        [fixture.app, `${urlOf(path)}?x=1`],
        [based.app, `/api/oauth${urlOf(path)}`],
      ] as const) {
        const response = await app.inject({ method, url });
        expect([method, response.statusCode, response.headers.allow]).toEqual([method, 405, methods.join(', ')]);
        if (method !== 'HEAD') {
          expect(response.headers['content-type']).toBe('application/problem+json');
          expect(response.json()).toMatchObject({ code: 'method_not_allowed', allow: methods });
        }
      }
    }
  });
});

const readable = contract.filter(({ method, tag }) => method === 'GET' && tag !== 'Browser');

test.each(readable.map(({ path }) => path))('HEAD %s has the status and headers of GET and no body', async (path) => {
  const ask = (method: 'GET' | 'HEAD') => fixture.call({ method, url: urlOf(path).replace('x%2Fy', 'crm') });
  const [get, head] = [await ask('GET'), await ask('HEAD')];
  expect(head.statusCode).toBe(get.statusCode);
  expect(head.body).toBe('');
  expect(head.headers['content-type']).toBe(get.headers['content-type']);
  expect(head.headers['content-length']).toBe(get.headers['content-length']);
});

test('HEAD needs the caller and the permission that GET needs', async () => {
  expect((await fixture.app.inject({ method: 'HEAD', url: '/connections' })).statusCode).toBe(401);
});

test('an unknown path stays 404 for every method', async () => {
  for (const method of others) expect((await fixture.call({ method, url: '/nowhere/x' })).statusCode).toBe(404);
});
