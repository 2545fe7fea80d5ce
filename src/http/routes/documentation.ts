import type { FastifyInstance } from 'fastify';
import * as routes from '../contract/documentation.ts';
import { mount } from '../mount.ts';
import { docsPage } from '../openapi/docs-page.ts';
import { buildDocument } from '../openapi/document.ts';
import { sendPage } from '../pages/page.ts';

export function documentationRoutes(
  app: FastifyInstance,
  { version, publicPath }: { version: string; publicPath: string },
): void {
  const document = buildDocument({ version, serverUrl: publicPath === '' ? '/' : publicPath });
  const page = docsPage(document);
  const text = JSON.stringify(document);

  mount(app, routes.getOpenApi, async (_call, reply) => reply.type('application/json; charset=utf-8').send(text));
  mount(app, routes.getDocs, async (_call, reply) => sendPage(reply, page));
}
