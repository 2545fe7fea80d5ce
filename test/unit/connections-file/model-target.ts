import type {
  Call,
  ConnectionsTarget,
  CurrentConnection,
  Preview,
  Refusal,
} from '../../../src/connections-file/target.ts';

interface Row {
  body: Record<string, unknown>;
  revision: number;
  appliedRevision: number | null;
  grants: number;
}

const refused = (code: string): { refusal: Refusal } => ({ refusal: { code, message: code, errors: [] } });

/** Connections in memory that behave as those of the API. A change of client_id ends the grants. */
export function createModelTarget() {
  const rows = new Map<string, Row>();
  const effectsOf = (ended: number) => ({
    grants_disconnected: ended,
    organizations_disconnected: ended === 0 ? 0 : 1,
    authorizations_voided: 0,
    workflows_disabled: 0,
    revoked_at_provider: false,
    client_secret_required: false,
  });
  const changesOf = (before: Record<string, unknown>, after: Record<string, unknown>): Preview['changes'] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((field) => before[field] !== after[field])
      .map((field) => ({ field, from: before[field] ?? null, to: after[field] ?? null }));
  const endedBy = (row: Row, call: Call) =>
    call.action === 'delete' || row.body.client_id !== call.body.client_id ? row.grants : 0;

  function plan(call: Call): { preview: Preview; etag: string | null } | { refusal: Refusal } {
    const row = rows.get(call.name);
    if (call.action === 'create') {
      if (row !== undefined) return refused('connection_exists');
      return { preview: { changes: changesOf({}, call.body), effects: effectsOf(0), warnings: [] }, etag: null };
    }
    if (row === undefined) return refused('connection_not_found');
    const changes = changesOf(row.body, call.action === 'delete' ? {} : call.body);
    return { preview: { changes, effects: effectsOf(endedBy(row, call)), warnings: [] }, etag: String(row.revision) };
  }

  const target: ConnectionsTarget = {
    list: async () =>
      [...rows].map(
        ([name, { body, revision, appliedRevision }]): CurrentConnection => ({
          connection_name: name,
          managed_by: (body.managed_by as string | undefined) ?? null,
          drifted: body.managed_by !== undefined && revision !== appliedRevision,
        }),
      ),
    preview: async (call) => plan(call),
    perform: async (call, etag) => {
      const planned = plan(call);
      if ('refusal' in planned) return planned;
      if (etag !== null && etag !== planned.etag) return refused('precondition_failed');
      write(call);
      return { refusal: null };
    },
  };

  function write(call: Call): void {
    const row = rows.get(call.name);
    if (call.action === 'delete') rows.delete(call.name);
    else {
      const revision = (row?.revision ?? 0) + 1;
      const appliedRevision = call.body.managed_by === undefined ? (row?.appliedRevision ?? null) : revision;
      const grants = row === undefined ? 0 : row.grants - endedBy(row, call);
      rows.set(call.name, { body: { ...call.body }, revision, appliedRevision, grants });
    }
  }

  return { rows, target, write };
}
