import { z } from 'zod';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { GetConnection } from '../../broker/connections/read-connections.ts';
import { noSuchConnection } from '../../broker/no-such-connection.ts';
import { type Connection, connectionNamePattern } from '../../domain/connections/connection.ts';
import { organizationField } from '../server/forms.ts';
import type { OrganizationVisit } from '../server/visit.ts';

export const connectionParams = z.object({ name: z.string().regex(connectionNamePattern) });
export const organizationQuery = z.object({ organization: organizationField });

/** Reads a connection that the visitor's organisation owns. A global one is edited in the global scope. */
export async function ownConnection(
  { getConnection }: { getConnection: GetConnection },
  { actor }: OrganizationVisit,
  name: string,
): Promise<ConnectionView> {
  const view = await getConnection(actor, name);
  if (view.connection.organizationId !== actor.organizationId) throw noSuchConnection(name);
  return view;
}

/** Entity tag without quotes: a later connection of the same name has another id. */
export const tagOf = ({ id, revision }: Connection) => `${id}-${revision}`;

/** Revision of a tag, for the write to compare under its lock. Undefined if the tag names another connection. */
export function revisionIn(tag: string, { id }: Connection): string | undefined {
  return tag.startsWith(`${id}-`) ? tag.slice(id.length + 1) : undefined;
}
