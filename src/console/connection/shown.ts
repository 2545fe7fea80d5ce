import { z } from 'zod';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { GetConnection, ListConnections } from '../../broker/connections/read-connections.ts';
import { connectionNamePattern } from '../../domain/connections/connection.ts';
import type { ConnectionPlace } from '../../domain/console/console-pages.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { stateOfConnection } from '../reasons/state.ts';
import { explainWhy, type Why } from '../reasons/why.ts';
import { organizationField } from '../server/forms.ts';
import type { OrganizationVisit } from '../server/visit.ts';

export const nameParams = z.object({ name: z.string().regex(connectionNamePattern) });
export const placeQuery = z.object({ organization: organizationField });

/** Part of the configuration that the pages of a connection tell. */
export interface ConnectionPagesSettings {
  /** False with REFRESH_MODE=off. */
  callsTokenEndpoints: boolean;
}

export interface ReadShownUseCases {
  getConnection: GetConnection;
  listConnections: ListConnections;
}

/** A connection as a page shows it. */
export interface Shown {
  visit: OrganizationVisit;
  place: ConnectionPlace;
  view: ConnectionView;
  why: Why;
  /** True if the visitor's organisation owns it; false for a global connection that an organisation sees. */
  isOwner: boolean;
  /** True if a global connection of the same name is hidden by this one. */
  hidesGlobal: boolean;
}

/** Maximum number of connections to look through for the hidden one. All contain its name. */
const searched = 200;

/** Throws connection_not_found. */
export async function readShown(
  { getConnection, listConnections }: ReadShownUseCases,
  settings: ConnectionPagesSettings,
  visit: OrganizationVisit,
  name: string,
): Promise<Shown> {
  const { actor } = visit;
  const view = await getConnection(actor, name);
  const place = { name, organizationId: actor.organizationId };
  const isOwner = view.connection.organizationId === actor.organizationId;
  const filter = { includeGlobal: true, q: name, limit: searched };
  const others = isOwner && actor.organizationId !== null ? (await listConnections(actor, filter)).connections : [];
  const moment = { now: visit.now, callsTokenEndpoints: settings.callsTokenEndpoints };
  return {
    visit,
    place,
    view,
    why: explainWhy(stateOfConnection(view), moment, actor.caller),
    isOwner,
    hidesGlobal: others.some(({ connection, shadowed }) => shadowed && connection.name === name),
  };
}

/** Address of the connection's page, to come back to from the provider. */
export function returnUrlOf(visit: OrganizationVisit, place: ConnectionPlace): string {
  return `${visit.baseUrl}${connectionPage(place)}`;
}
