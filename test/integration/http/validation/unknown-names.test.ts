import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { contract } from '../../../../src/http/contract/contract.ts';
import type { Declaration } from '../../../../src/http/declaration.ts';
import { createHttpFixture, type HttpFixture } from '../../../support/http/server-fixture.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture();
});
afterAll(() => fixture.app.close());

const isBrowserRoute = ({ tag }: Declaration) => tag === 'Browser';
const service = contract.filter((declaration) => !isBrowserRoute(declaration));
const named = (routes: readonly Declaration[]) =>
  routes.map((declaration) => [`${declaration.method} ${declaration.path}`, declaration] as const);

const urlOf = ({ path }: Declaration) => path.replace(/\{\w+\}/g, 'x');

async function faultsOf({ method, ...declaration }: Declaration, query: string, payload?: object) {
  const { statusCode, ...response } = await fixture.call({
    method,
    url: `${urlOf({ method, ...declaration })}${query}`,
    ...(payload === undefined ? {} : { payload }),
  });
  const body = response.json();
  return { statusCode, code: body.code, errors: (body.errors ?? []) as { path: string; message: string }[] };
}

describe('unknown names', () => {
  test.each(named(service))('%s refuses a query parameter that it does not know', async (_route, declaration) => {
    const { statusCode, code, errors } = await faultsOf(declaration, '?zzzzzzzz=1');
    expect([statusCode, code]).toEqual([400, 'invalid_request']);
    expect(errors).toContainEqual({ path: 'query.zzzzzzzz', message: 'is not known' });
  });

  test.each(named(service.filter(({ method, path }) => method !== 'GET' && path !== '/admin/import')))(
    '%s refuses a member of the body that it does not know',
    async (_route, declaration) => {
      const { statusCode, code, errors } = await faultsOf(declaration, '', { zzzzzzzz: 1 });
      expect([statusCode, code]).toEqual([400, 'invalid_request']);
      expect(errors).toContainEqual({ path: 'zzzzzzzz', message: 'is not known' });
    },
  );

  test.each(named(contract.filter(isBrowserRoute)))('%s takes any parameter', async (_route, declaration) => {
    const response = await fixture.app.inject({ method: declaration.method, url: `${urlOf(declaration)}?zzzzzzzz=1` });
    expect(response.body).not.toContain('zzzzzzzz');
    expect(response.headers['content-type']).toContain('text/html');
  });

  test.each([
    ['subjct', 'subject'],
    ['Subject', 'subject'],
    ['accountId', 'account_id'],
    ['account-id', 'account_id'],
    ['account', 'account_id'],
    ['minttl', 'min_ttl'],
    ['scope', 'scopes'],
  ])('the query parameter %s of a fetch is answered with the nearest known name %s', async (wrong, right) => {
    const response = await fixture.call({ url: `/credentials/crm?${wrong}=u` });
    expect(response.json().errors).toEqual([
      { path: `query.${wrong}`, message: `is not known; did you mean ${right}?` },
    ]);
  });

  test('every name that is one slip away from a known member is answered with a known member', async () => {
    const routes = service.filter(({ body }) => body instanceof z.ZodObject);
    const membersOf = ({ body }: Declaration) => Object.keys((body as z.ZodObject).shape);
    const members = routes.flatMap((route) =>
      membersOf(route)
        .filter((name) => name.length >= 4)
        .map((name) => ({ operationId: route.operationId, name })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...members),
        fc.nat(),
        fc.constantFrom('drop', 'swap', 'double'),
        async (member, position, kind) => {
          const { operationId, name } = member;
          const declaration = routes.find((route) => route.operationId === operationId);
          if (declaration === undefined) return;
          const known = membersOf(declaration);
          const at = position % (name.length - 1);
          const [a = '', b = ''] = [name[at], name[at + 1]];
          const middle = { drop: b, swap: b + a, double: a + a + b }[kind];
          const wrong = `${name.slice(0, at)}${middle}${name.slice(at + 2)}`;
          fc.pre(!known.includes(wrong));
          const { errors } = await faultsOf(declaration, '', { [wrong]: 'x' });
          const message = errors.find(({ path }) => path === wrong)?.message ?? '';
          expect(known.map((one) => `is not known; did you mean ${one}?`)).toContain(message);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('thousands of long unknown members are answered quickly and with a bounded list', async () => {
    const payload = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`${'a'.repeat(95)}${at}`, 1]));
    const startedAt = performance.now();
    const response = await fixture.call({ method: 'POST', url: '/connections/crm/refresh', payload });
    expect(response.json().errors.length).toBeLessThanOrEqual(101);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
