import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { contract } from '../../../../src/http/contract/contract.ts';
import type { HttpUseCases } from '../../../../src/http/server.ts';
import { createHttpFixture, type HttpFixture, stubUseCases } from '../../../support/http/server-fixture.ts';

let fixture: HttpFixture;
let received: unknown[] = [];

/** Use cases of the stub that also record their arguments. */
function recording(): HttpUseCases {
  const stub = stubUseCases();
  const watched = Object.entries(stub).map(([name, useCase]) => [
    name,
    (...args: unknown[]) => {
      if (name !== 'authenticateCaller') received = args;
      return (useCase as (...args: unknown[]) => unknown)(...args);
    },
  ]);
  return Object.fromEntries(watched) as HttpUseCases;
}

beforeAll(async () => {
  fixture = await createHttpFixture(recording());
});
beforeEach(() => {
  received = [];
});
afterAll(() => fixture.app.close());

/** Members that a body needs besides the selectors. */
const required: Record<string, object> = {
  renewCredential: { rejected_token: 'token' },
  importGrant: { access_token: 'token' },
};
const cases = contract.flatMap((declaration) => {
  const shape = declaration.body instanceof z.ZodObject ? declaration.body.shape : {};
  return ['subject', 'account_id']
    .filter((name) => name in shape)
    .map((name) => [`${declaration.method} ${declaration.path}`, name, declaration] as const);
});

test('there are routes that take a selector in the body', () => {
  expect(cases.length).toBeGreaterThan(8);
});

describe.each(cases)('%s with %s in the query', (_route, name, { method, path, operationId }) => {
  const send = (query: string, body: object) =>
    fixture.call({
      method,
      url: `${path.replace(/\{\w+\}/g, 'x')}${query}`,
      payload: { ...required[operationId], ...body },
    });

  test('means the same as in the body', async () => {
    const inBody = await send('', { [name]: 'user-42' });
    const expected = received.slice(1);
    expect(JSON.stringify(expected)).toContain('user-42');
    const inQuery = await send(`?${name}=user-42`, {});
    expect(inQuery.statusCode).toBe(inBody.statusCode);
    expect(JSON.stringify(received.slice(1))).toBe(JSON.stringify(expected));
  });

  test('may also stand in the body with the same value', async () => {
    const response = await send(`?${name}=user-42`, { [name]: 'user-42' });
    expect(response.statusCode).toBeLessThan(300);
  });

  test.each(['another', null, ''])('is refused beside %j in the body', async (value) => {
    const response = await send(`?${name}=user-42`, { [name]: value });
    expect(response.statusCode).toBe(400);
    expect(response.json().errors).toContainEqual({
      path: `query.${name}`,
      message: `differs from ${name} in the body`,
    });
    expect(received).toEqual([]);
  });

  test('is refused when repeated, and an empty value counts as absent', async () => {
    expect((await send(`?${name}=a&${name}=b`, {})).statusCode).toBe(400);
    await send(`?${name}=`, { [name]: 'user-42' });
    expect(JSON.stringify(received.slice(1))).toContain('user-42');
  });

  test('keeps the rules of the body', async () => {
    expect((await send(`?${name}=a%0Ab`, {})).statusCode).toBe(400);
  });
});
