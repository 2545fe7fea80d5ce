import { afterAll, beforeAll, expect, test } from 'vitest';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

interface Provider {
  id: string;
  flows: string[];
}

test('GET /providers lists the templates, the generic one among them, each once', async () => {
  const { status, body } = await service.api.get('/providers');
  expect(status).toBe(200);
  const ids = (body.providers as Provider[]).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const wanted = ['generic', 'google', 'google-gmail', 'youtube', 'google-search-console', 'microsoft-graph', 'slack'];
  expect(ids).toEqual(expect.arrayContaining([...wanted, 'notion', 'github', 'gitlab']));
});

test('GET /providers/{id} has every one that is listed, and says more of it', async () => {
  for (const summary of (await service.api.get('/providers')).body.providers as Provider[]) {
    const { status, body } = await service.api.get(`/providers/${summary.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject(summary);
  }
});

test('the same for every organisation', async () => {
  const { body } = await service.api.get('/providers', { organization: 'acme' });
  expect(body).toEqual((await service.api.get('/providers')).body);
});

test.each(['absent', '__proto__', 'constructor', '..%2Fgeneric', 'Google'])('404 for %s', async (id) => {
  const answer = await service.api.get(`/providers/${id}`);
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
});
