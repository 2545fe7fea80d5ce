import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import type { WorkflowState } from '../../domain/workflows.ts';
import { nextActionWords } from '../layout/status.ts';

/** Connection behind a disabled workflow: its deletion disabled the workflow. */
export type Cause =
  | { kind: 'caller' }
  | { kind: 'deleted'; name: string }
  | { kind: 'present'; name: string; view: Pick<ConnectionView, 'status' | 'nextAction'> };

/** Whether a disabled workflow can run again, else the missing step. */
export type Enabling = { isReady: true } | { isReady: false; missing: string; step: { label: string; path: string } };

/** Decides whether a disabled workflow can run again, and names the step that is missing. */
export function enablingOf(cause: Cause, organizationId: OrganizationId): Enabling {
  if (cause.kind === 'caller') return { isReady: true };
  const { name } = cause;
  if (cause.kind === 'deleted') {
    const query = new URLSearchParams({ organization: organizationId ?? '' });
    return {
      isReady: false,
      missing: `There is no connection named ${name}. Create it again with the same name, and connect it.`,
      step: { label: 'New connection', path: `/console/new-connection?${query}` },
    };
  }
  if (cause.view.status === 'completed') return { isReady: true };
  return {
    isReady: false,
    missing: `The connection ${name} exists and has no working token. ${nextActionWords[cause.view.nextAction]}.`,
    step: { label: 'Why it is not ready', path: connectionPage({ name, organizationId }, 'why') },
  };
}

/** Finds the cause of a disabled workflow. `found` holds the connections of the organisation by name. */
export function causeOf(
  { connectionName }: Pick<WorkflowState, 'connectionName'>,
  found: ReadonlyMap<string, ConnectionView>,
): Cause {
  if (connectionName === null) return { kind: 'caller' };
  const view = found.get(connectionName);
  return view === undefined
    ? { kind: 'deleted', name: connectionName }
    : { kind: 'present', name: connectionName, view };
}
