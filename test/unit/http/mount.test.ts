import fastify from 'fastify';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { declare } from '../../../src/http/declaration.ts';
import { mount } from '../../../src/http/mount.ts';

test('a route whose query is judged as a whole does not start: it is read member by member', () => {
  const query = z.object({ from: z.string().optional(), to: z.string().optional() }).refine(() => false);
  const declaration = declare({
    operationId: 'read',
    tag: 'Health',
    summary: 'Read',
    method: 'GET',
    path: '/read',
    access: { for: 'public', limited: false },
    query,
    answers: { 200: { description: 'Read.', schema: z.object({}) } },
    problems: [],
  });
  expect(() => mount(fastify(), declaration, async () => ({}))).toThrow(/member by member/);
});
