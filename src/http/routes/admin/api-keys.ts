import type { FastifyInstance } from 'fastify';
import type { CreateApiKey } from '../../../broker/callers/create-api-key.ts';
import type { ListApiKeys } from '../../../broker/callers/list-api-keys.ts';
import type { RevokeApiKey } from '../../../broker/callers/revoke-api-key.ts';
import * as routes from '../../contract/admin/api-keys.ts';
import { mount } from '../../mount.ts';
import { notFound } from '../../problem.ts';
import { fromApiKey, toNewApiKey } from '../../schemas/admin/api-keys.ts';

export interface ApiKeyUseCases {
  createApiKey: CreateApiKey;
  listApiKeys: ListApiKeys;
  revokeApiKey: RevokeApiKey;
}

const idPattern = /^[A-Za-z0-9_-]{1,100}$/;

export function apiKeyRoutes(app: FastifyInstance, useCases: ApiKeyUseCases, publicPath: string): void {
  mount(app, routes.createApiKey, async ({ caller, body, trace }, reply) => {
    const { apiKey, key } = await useCases.createApiKey(caller, toNewApiKey(body), trace);
    reply.header('location', `${publicPath}/admin/api-keys/${apiKey.id}`);
    return { ...fromApiKey(apiKey), key: key.reveal() };
  });

  mount(app, routes.listApiKeys, async ({ caller }) => ({
    api_keys: (await useCases.listApiKeys(caller)).map(fromApiKey),
  }));

  mount(app, routes.revokeApiKey, async ({ caller, params, query, trace }) => {
    if (!idPattern.test(params.id)) throw notFound('There is no such API key.');
    await useCases.revokeApiKey(caller, params.id, { cascade: query.cascade }, trace);
  });
}
