import type { FastifyInstance } from 'fastify';
import type { CreateApiKey } from '../../broker/create-api-key.ts';
import type { ListApiKeys } from '../../broker/list-api-keys.ts';
import type { RevokeApiKey } from '../../broker/revoke-api-key.ts';
import * as routes from '../contract/api-keys.ts';
import { mount } from '../mount.ts';
import { notFound } from '../problem.ts';
import { fromApiKey, toNewApiKey } from '../schemas/api-key.ts';

export interface ApiKeyUseCases {
  createApiKey: CreateApiKey;
  listApiKeys: ListApiKeys;
  revokeApiKey: RevokeApiKey;
}

const idPattern = /^[A-Za-z0-9_-]{1,100}$/;

export function apiKeyRoutes(app: FastifyInstance, useCases: ApiKeyUseCases, basePath: string): void {
  mount(app, routes.createApiKey, async ({ caller, body, trace }, reply) => {
    const { apiKey, key } = await useCases.createApiKey(caller, toNewApiKey(body), trace);
    reply.header('location', `${basePath}/admin/api-keys/${apiKey.id}`);
    return { ...fromApiKey(apiKey), key: key.reveal() };
  });

  mount(app, routes.listApiKeys, async ({ caller }) => ({
    api_keys: (await useCases.listApiKeys(caller)).map(fromApiKey),
  }));

  mount(app, routes.revokeApiKey, async ({ caller, params, trace }) => {
    if (!idPattern.test(params.id)) throw notFound('There is no such API key.');
    await useCases.revokeApiKey(caller, params.id, trace);
  });
}
