import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ConnectionView } from '../../broker/connection-view.ts';
import type { CreateConnection } from '../../broker/create-connection.ts';
import type { DeleteConnection } from '../../broker/delete-connection.ts';
import type { ConnectionEdit, EditConnection } from '../../broker/edit-connection.ts';
import type { GetConnection, ListConnections } from '../../broker/read-connections.ts';
import type { Actor } from '../../domain/caller.ts';
import { invalidRequest } from '../../domain/errors.ts';
import * as routes from '../contract/connections.ts';
import { etagOf, parseIfMatch, revisionsFor } from '../etag.ts';
import { mount } from '../mount.ts';
import { toDetail, toSummary } from '../schemas/connection.ts';
import { toMerge, toNewConnection, toReplacement } from '../schemas/connection-input.ts';

export interface ConnectionUseCases {
  createConnection: CreateConnection;
  listConnections: ListConnections;
  getConnection: GetConnection;
  editConnection: EditConnection;
  deleteConnection: DeleteConnection;
}

export function connectionRoutes(app: FastifyInstance, useCases: ConnectionUseCases, basePath: string): void {
  mount(app, routes.createConnection, async ({ actor, body }, reply) => {
    const view = await useCases.createConnection(actor, toNewConnection(body));
    reply.header('location', `${basePath}/connections/${view.connection.name}`);
    return answerWith(reply, view);
  });

  mount(app, routes.listConnections, async ({ actor, query }) => {
    const { include_global, provider, q, cursor, status, flow, limit } = query;
    const page = await useCases.listConnections(actor, {
      includeGlobal: include_global,
      limit,
      ...(status === undefined ? {} : { status }),
      ...(flow === undefined ? {} : { flow }),
      ...(provider === null ? {} : { provider }),
      ...(q === null ? {} : { q }),
      ...(cursor === null ? {} : { cursor }),
    });
    return { connections: page.connections.map(toSummary), count: page.count, next_cursor: page.nextCursor };
  });

  mount(app, routes.getConnection, async ({ actor, params }, reply) =>
    answerWith(reply, await useCases.getConnection(actor, params.name)),
  );

  mount(app, routes.patchConnection, async ({ actor, params, headers, body }, reply) => {
    refuseRename(params.name, body.connection_name);
    return answerWith(reply, await edit(useCases, actor, params.name, headers['If-Match'], toMerge(body)));
  });

  mount(app, routes.replaceConnection, async ({ actor, params, headers, body }, reply) => {
    refuseRename(params.name, body.connection_name);
    return answerWith(reply, await edit(useCases, actor, params.name, headers['If-Match'], toReplacement(body)));
  });

  mount(app, routes.deleteConnection, async ({ actor, params, query }) => {
    const { disabledWorkflows } = await useCases.deleteConnection(actor, params.name, {
      confirmDisableWorkflows: query.confirm_disable_workflows,
    });
    return {
      message: `The connection ${params.name} is deleted.`,
      disabled_workflows: disabledWorkflows.map(({ workflowId, workflowName }) => ({
        workflow_id: workflowId,
        workflow_name: workflowName,
      })),
    };
  });
}

function answerWith(reply: FastifyReply, view: ConnectionView) {
  reply.header('etag', etagOf(view.connection));
  return toDetail(view);
}

function refuseRename(name: string, given: string | undefined): void {
  if (given === undefined || given === name) return;
  throw invalidRequest({ path: 'connection_name', message: 'cannot change' });
}

async function edit(
  { editConnection, getConnection }: Pick<ConnectionUseCases, 'editConnection' | 'getConnection'>,
  actor: Actor,
  name: string,
  header: string | undefined,
  change: Pick<ConnectionEdit, 'apply' | 'clientSecret'>,
): Promise<ConnectionView> {
  const tags = parseIfMatch(header);
  if (tags === undefined || tags === '*') return editConnection(actor, name, { ...change, ifMatch: tags });
  // The revision is compared under the row's lock; which connection the tag is of cannot change while one of that name lives.
  const { connection } = await getConnection(actor, name);
  return editConnection(actor, name, { ...change, ifMatch: revisionsFor(tags, connection.id) });
}
