import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ChangePreview } from '../../broker/connections/change-preview.ts';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { CreateConnection, PreviewCreate } from '../../broker/connections/create-connection.ts';
import type { DeleteConnection } from '../../broker/connections/delete-connection.ts';
import type { EditConnection, PreviewEdit } from '../../broker/connections/edit-connection.ts';
import type { PreviewDelete } from '../../broker/connections/preview-delete.ts';
import type { GetConnection, ListConnections } from '../../broker/connections/read-connections.ts';
import type { IfMatch } from '../../broker/connections/require-match.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import { invalidRequest } from '../../domain/errors.ts';
import * as routes from '../contract/connections.ts';
import { etagOf, parseIfMatch, revisionsFor } from '../etag.ts';
import { mount } from '../mount.ts';
import { toPreview } from '../schemas/change-preview.ts';
import { toMerge, toNewConnection, toReplacement } from '../schemas/connection-input.ts';
import { toDetail, toSummary } from '../schemas/connections.ts';
import { withoutAddressFault } from '../schemas/grant-state.ts';

export interface ConnectionUseCases {
  createConnection: CreateConnection;
  previewCreate: PreviewCreate;
  listConnections: ListConnections;
  getConnection: GetConnection;
  editConnection: EditConnection;
  previewEdit: PreviewEdit;
  deleteConnection: DeleteConnection;
  previewDelete: PreviewDelete;
}

export function connectionRoutes(app: FastifyInstance, useCases: ConnectionUseCases, publicPath: string): void {
  mount(app, routes.createConnection, async ({ actor, query, body }, reply) => {
    const input = toNewConnection(body);
    if (query.dry_run) return toPreview(await useCases.previewCreate(actor, input), actor.organizationId);
    const view = await useCases.createConnection(actor, input);
    reply.code(201);
    reply.header('location', `${publicPath}/connections/${view.connection.name}`);
    return detailOf(reply, actor, view);
  });

  mount(app, routes.listConnections, async ({ actor, query }) => {
    const { include_global, provider, q, cursor, status, flow, limit } = query;
    const page = await useCases.listConnections(actor, {
      includeGlobal: include_global,
      limit,
      ...(status === undefined ? {} : { status }),
      ...(flow === undefined ? {} : { flow }),
      ...(provider ? { provider } : {}),
      ...(q ? { q } : {}),
      ...(cursor ? { cursor } : {}),
    });
    return {
      connections: page.connections.map((view) => withoutAddressFault(toSummary(view), actor.caller)),
      count: page.count,
      next_cursor: page.nextCursor,
    };
  });

  mount(app, routes.getConnection, async ({ actor, params }, reply) =>
    detailOf(reply, actor, await useCases.getConnection(actor, params.name)),
  );

  mount(app, routes.patchConnection, async ({ actor, params, headers, query, body }, reply) => {
    refuseRename(params.name, body.connection_name);
    const change = { ...toMerge(body), confirmDisconnect: query.confirm_disconnect };
    const ifMatch = await acceptedRevisions(useCases, actor, params.name, headers['If-Match']);
    const request = { ...change, ifMatch };
    if (query.dry_run) return previewOf(reply, actor, await useCases.previewEdit(actor, params.name, request));
    return detailOf(reply, actor, await useCases.editConnection(actor, params.name, request));
  });

  mount(app, routes.replaceConnection, async ({ actor, params, headers, query, body }, reply) => {
    refuseRename(params.name, body.connection_name);
    const change = { ...toReplacement(body), confirmDisconnect: query.confirm_disconnect };
    const ifMatch = await acceptedRevisions(useCases, actor, params.name, headers['If-Match']);
    const request = { ...change, ifMatch };
    if (query.dry_run) return previewOf(reply, actor, await useCases.previewEdit(actor, params.name, request));
    return detailOf(reply, actor, await useCases.editConnection(actor, params.name, request));
  });

  mount(app, routes.deleteConnection, async ({ actor, params, headers, query }, reply) => {
    const ifMatch = await acceptedRevisions(useCases, actor, params.name, headers['If-Match']);
    if (query.dry_run) return previewOf(reply, actor, await useCases.previewDelete(actor, params.name, { ifMatch }));
    const conditions = { confirmDisableWorkflows: query.confirm_disable_workflows, ifMatch };
    const { disabledWorkflows } = await useCases.deleteConnection(actor, params.name, conditions);
    return {
      message: `The connection ${params.name} is deleted.`,
      disabled_workflows: disabledWorkflows.map(({ id, name }) => ({ workflow_id: id, workflow_name: name })),
    };
  });
}

/** Returns the detail and sets its ETag header. */
function detailOf(reply: FastifyReply, { organizationId, caller }: Actor, view: ConnectionView) {
  reply.header('etag', etagOf(view.connection));
  return withoutAddressFault(toDetail(view, organizationId), caller);
}

/** Returns the preview of a change, and sets the ETag of the configuration that it was planned on. */
function previewOf(reply: FastifyReply, { organizationId }: Actor, preview: ChangePreview) {
  if (preview.before !== null) reply.header('etag', etagOf(preview.before.connection));
  return toPreview(preview, organizationId);
}

function refuseRename(name: string, requested: string | undefined): void {
  if (requested === undefined || requested === name) return;
  throw invalidRequest({ path: 'connection_name', message: 'cannot change' });
}

/** Returns the revisions that the If-Match header accepts. Throws connection_not_found. */
async function acceptedRevisions(
  { getConnection }: Pick<ConnectionUseCases, 'getConnection'>,
  actor: Actor,
  name: string,
  header: string | undefined,
): Promise<IfMatch> {
  const tags = parseIfMatch(header);
  if (tags === undefined || tags === '*') return tags;
  // The write compares the revision under the row's lock. The id needs none: a name keeps its id until it is deleted.
  const { connection } = await getConnection(actor, name);
  return revisionsFor(tags, connection.id);
}
