import { mapInOrder } from './map-in-order.ts';
import { type DeclaredConnection, type FileFault, sorted } from './read-connections-file.ts';
import type { Call, Change, ConnectionsTarget, CurrentConnection, Effects, Preview, Refusal } from './target.ts';

/** One connection that the plan creates, changes or deletes. */
export interface Step {
  action: Call['action'];
  connection_name: string;
  /** Version of the connection that the step was planned on; null for a new connection. */
  etag: string | null;
  /** Whether the connection was edited by other means since the file was applied. */
  drifted: boolean;
  changes: readonly Change[];
  effects: Effects;
  warnings: Preview['warnings'];
}

export interface Plan {
  /** Name of the file. Connections that it creates or changes carry it. */
  managed_by: string;
  /** Deletions come last. Each connection has at most one step. */
  steps: Step[];
  unchanged: number;
}

export interface PlanOptions {
  managedBy: string;
  /** Deletes the connections that carry the name of the file and are no longer in it. */
  prune: boolean;
  /** Dry runs at a time. Default: one. */
  concurrency?: number;
  onPlanned?: (planned: number, total: number) => void;
}

/** Names the calls that lead from the current connections to the file. Whether one changes anything, its dry run says. */
export function callsFor(
  declared: readonly DeclaredConnection[],
  current: readonly CurrentConnection[],
  { managedBy, prune }: PlanOptions,
): Call[] {
  const existing = new Set(current.map((connection) => connection.connection_name));
  const wanted = new Set(declared.map(({ name }) => name));
  const kept = declared.map(({ name, fields }): Call => {
    const body = { ...fields, managed_by: managedBy };
    return { action: existing.has(name) ? 'change' : 'create', name, body };
  });
  if (!prune) return kept;
  const orphans = current.filter((each) => each.managed_by === managedBy && !wanted.has(each.connection_name));
  return [...kept, ...orphans.map((each): Call => ({ action: 'delete', name: each.connection_name }))];
}

/** Plans without changing anything. Faults name the connections of the file that the API would refuse. */
export async function planConnections(
  target: ConnectionsTarget,
  declared: readonly DeclaredConnection[],
  options: PlanOptions,
): Promise<{ plan: Plan; faults: FileFault[] }> {
  const current = await target.list();
  const driftOf = new Map(current.map((connection) => [connection.connection_name, connection.drifted]));
  const declaredOf = new Map(declared.map((connection) => [connection.name, connection]));
  const plan: Plan = { managed_by: options.managedBy, steps: [], unchanged: 0 };
  const faults: FileFault[] = [];
  const calls = callsFor(declared, current, options);
  let done = 0;
  const results = await mapInOrder(calls, options.concurrency ?? 1, async (call) => {
    const planned = await planCall(target, call);
    done += 1;
    options.onPlanned?.(done, calls.length);
    return { call, planned };
  });
  for (const { call, planned } of results) {
    const refusal = 'refusal' in planned ? planned.refusal : missingSecret(planned.step);
    if (refusal !== null) faults.push(...faultsOf(refusal, call.name, declaredOf.get(call.name)));
    else if ('step' in planned) {
      if (planned.step === null) plan.unchanged += 1;
      else plan.steps.push({ ...planned.step, drifted: driftOf.get(call.name) ?? false });
    }
  }
  return { plan, faults: sorted(faults) };
}

type PlannedCall = { step: Step | null } | { refusal: Refusal };

/** Plans one call. A connection that was created or deleted since the list was read gets the call that it needs now. */
export async function planCall(target: ConnectionsTarget, call: Call): Promise<PlannedCall> {
  const first = await previewCall(target, call);
  if (!('refusal' in first)) return first;
  const { code } = first.refusal;
  if (call.action === 'create' && code === 'connection_exists')
    return previewCall(target, { ...call, action: 'change' });
  if (code !== 'connection_not_found') return first;
  if (call.action === 'delete') return { step: null };
  return call.action === 'change' ? previewCall(target, { ...call, action: 'create' }) : first;
}

async function previewCall(target: ConnectionsTarget, call: Call): Promise<PlannedCall> {
  const result = await target.preview(call);
  if ('refusal' in result) return result;
  const { changes, effects, warnings } = result.preview;
  if (call.action === 'change' && changes.length === 0) return { step: null };
  const { action, name: connection_name } = call;
  return { step: { action, connection_name, etag: result.etag, drifted: false, changes, effects, warnings } };
}

function missingSecret(step: Step | null): Refusal | null {
  if (step?.effects.client_secret_required !== true) return null;
  const message = 'is needed: the change sends secrets or tokens elsewhere';
  return { code: 'client_secret_required', message: '', errors: [{ path: 'client_secret', message }] };
}

function faultsOf({ message, errors }: Refusal, name: string, declared: DeclaredConnection | undefined): FileFault[] {
  const positionOf = declared?.positionOf ?? (() => ({ line: 1, column: 1 }));
  const prefix = name === '' ? '' : `${name}: `;
  if (errors.length === 0) return [{ ...positionOf('connection_name'), message: prefix + message }];
  return errors.map(({ path, message: fault }) => ({ ...positionOf(path), message: `${prefix}${path} ${fault}` }));
}

/** Tells whether all that a step does is to let the file keep a connection that was kept by hand. */
export function isAdoption({ action, changes: [change, ...more] }: Step): boolean {
  if (action !== 'change' || change === undefined || more.length > 0) return false;
  return change.field === 'managed_by' && 'from' in change && change.from === null;
}
