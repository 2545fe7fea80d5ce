import { z } from 'zod';
import { declare } from '../declaration.ts';

const access = { for: 'public', limited: true } as const;

export const getOpenApi = declare({
  operationId: 'getOpenApi',
  tag: 'Documentation',
  summary: 'Read this API description as OpenAPI 3.1',
  method: 'GET',
  path: '/openapi.json',
  access,
  responses: { 200: { description: 'The OpenAPI document.', schema: z.looseObject({ openapi: z.string() }) } },
  problems: [],
});

export const getDocs = declare({
  operationId: 'getDocs',
  tag: 'Documentation',
  summary: 'Read this API description as a page',
  method: 'GET',
  path: '/docs',
  access,
  responses: { 200: { description: 'A page without scripts.', schema: z.string(), mediaType: 'text/html' } },
  problems: [],
});
