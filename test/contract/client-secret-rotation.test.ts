import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, connect, startAuthorization } from '../e2e/connections.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const refused = { code: 'client_secret_refused', message: expect.stringContaining('still accepts the old one') };

interface Warned {
  grant_id: string;
  warnings: { code: string }[];
}

async function warningsEverywhere(name: string): Promise<Warned['warnings'][]> {
  const path = `/connections/${name}`;
  const bodyOf = async (at: string) => (await service.api.get(at)).body as unknown as Warned;
  const firstOf = (rows: unknown) => (rows as Warned[])[0] ?? { grant_id: '', warnings: [] };
  const detail = await bodyOf(path);
  const listed = firstOf((await service.api.get(`/connections?q=${name}`)).body.connections);
  const inGrants = firstOf((await service.api.get(`${path}/grants`)).body.grants);
  const grant = await bodyOf(`${path}/grants/${inGrants.grant_id}`);
  return [detail, listed, inGrants, grant].map(({ warnings }) => warnings);
}

async function patch(path: string, body: Record<string, unknown>) {
  const etag = (await service.api.get(path)).headers.get('etag');
  const response = await service.api.patch(path, body);
  expect(response.status, response.text).toBe(200);
  expect(response.headers.get('etag')).not.toBe(etag);
  return response.headers.get('etag');
}

test('a new secret that the provider refuses is reported everywhere while the old one works, until one is accepted', async () => {
  const connection = await addConnection(service);
  const { name, path, clientSecret } = connection;
  await connect(service, connection, 'ada');

  const etag = await patch(path, { client_secret: 'mistyped' });
  expect((await service.api.get(path)).body.warnings).toEqual([]);
  const refreshed = await service.api.post(`${path}/refresh`, {});
  expect(refreshed.status, refreshed.text).toBe(200);
  for (const warnings of await warningsEverywhere(name)) expect(warnings).toEqual([refused]);
  expect((await service.api.get(path)).headers.get('etag')).toBe(etag);

  // The code of a new authorization is exchanged with the old secret too.
  const { link, state } = await startAuthorization(service, connection);
  await signIn(createBrowser(), link, { login: 'ada' });
  const outcome = (await service.api.get(`/authorizations/${state}`)).body;
  expect(outcome).toMatchObject({ status: 'completed', warnings: [refused] });
  for (const warnings of await warningsEverywhere(name)) expect(warnings).toEqual([refused]);

  await patch(path, { client_secret: clientSecret });
  for (const warnings of await warningsEverywhere(name)) expect(warnings).toEqual([]);
  expect((await service.api.post(`${path}/refresh`, {})).status).toBe(200);
  for (const warnings of await warningsEverywhere(name)) expect(warnings).toEqual([]);
});

test('two refused secrets are a refused client', async () => {
  const connection = await addConnection(service);
  await connect(service, connection, 'ada');
  const { name, path } = connection;
  await patch(path, { client_secret: 'first' });
  // Without a refresh in between the old secret still stands second.
  await patch(path, { client_secret: 'second' });
  expect((await service.api.post(`${path}/refresh`, {})).status).toBe(200);
  // Without a secret in between no earlier one is left.
  await patch(path, { client_secret: null });
  await patch(path, { client_secret: 'third' });
  await patch(path, { client_secret: 'fourth' });
  const refreshed = await service.api.post(`${path}/refresh`, {});
  expect(refreshed.status).toBe(503);
  for (const warnings of await warningsEverywhere(name)) {
    expect(warnings).toEqual([{ code: 'client_refused', message: expect.any(String) }]);
  }
});

test('a client_credentials connection keeps working under the old secret', async () => {
  const { name, path } = await addConnection(service, {
    body: { oauth_flow_type: 'client_credentials', scopes: [], authorize_params: {} },
  });
  expect((await service.api.get(path)).body.status).toBe('completed');
  const edited = await service.api.patch(path, { client_secret: 'mistyped' });
  expect(edited.body).toMatchObject({ status: 'completed', warnings: [refused] });
  for (const warnings of await warningsEverywhere(name)) expect(warnings).toEqual([refused]);
});
