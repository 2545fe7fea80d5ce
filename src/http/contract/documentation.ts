import { z } from 'zod';
import { declare } from '../declaration.ts';

const access = { for: 'public', limited: true } as const;

export const getOpenApi = declare({
  operationId: 'getOpenApi',
  tag: 'Documentation',
  summary: 'This document as OpenAPI 3.1',
  method: 'GET',
  path: '/openapi.json',
  access,
  answers: { 200: { description: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
  problems: [],
});

export const getDocs = declare({
  operationId: 'getDocs',
  tag: 'Documentation',
  summary: 'This document as a page',
  method: 'GET',
  path: '/docs',
  access,
  answers: { 200: { description: 'The page.', schema: z.string(), mediaType: 'text/html' } },
  problems: [],
});
