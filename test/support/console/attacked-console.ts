import { randomUUID } from 'node:crypto';
import { addConnection, expectStatus, openScene, type Scene } from '../../security/scene.ts';
import type { Places } from './console-routes.ts';
import { createRawClient, type HeldSession, openSession, type RawClient } from './raw-client.ts';

/** A service with something for every page to show, and the sessions that attack it. */
export interface AttackedConsole {
  scene: Scene;
  send: RawClient;
  /** Names that exist in the organisation `acme`. */
  places: Places;
  /** Secrets that no page, address or log may hold, by their kind. */
  secrets: Record<string, string>;
  signIn: (key?: string) => Promise<HeldSession>;
  /** Contents of every table, except what requests may write: times of use, and what runs beside them. */
  snapshot: () => Promise<Record<string, unknown>>;
  close: () => Promise<void>;
}

export const absentPlaces: Places = {
  name: 'no-such-connection',
  grantId: '01980c2f-0000-7a44-8f3e-5b1f4f0e9d02',
  keyId: '01980c2f-0000-7a44-8f3e-5b1f4f0e9d03',
  workflowId: 'no-such-workflow',
  dataKeyId: '01980c2f-0000-7a44-8f3e-5b1f4f0e9d04',
  other: '01980c2f-0000-7a44-8f3e-5b1f4f0e9d05',
};

export async function openAttackedConsole(env: Record<string, string> = {}): Promise<AttackedConsole> {
  const scene = await openScene({ LOG_LEVEL: 'debug', ...env });
  const send = createRawClient(scene.url);
  const organization = 'acme';
  const { name, path, secret } = await addConnection(scene, { organization });
  const tokens = { access_token: `access-${randomUUID()}`, refresh_token: `refresh-${randomUUID()}`, expires_in: 3600 };
  const imported = expectStatus(await scene.api.post(`${path}/grants`, tokens, { organization }), 201);
  const workflowId = `invoices-${randomUUID()}`;
  const dependency = { connection_name: name, workflow_name: 'Invoices' };
  const declared = await scene.api.post(`/workflows/${workflowId}/dependencies`, dependency, { organization });
  if (declared.status >= 300) throw new Error(declared.text);
  const { id: keyId, key } = await scene.newKey({ organizations: [organization] });
  const [dataKey] = await scene.rows('select id from data_keys');
  const dataKeyId = String(dataKey?.id);
  return {
    scene,
    send,
    places: { name, grantId: imported.body.grant_id, keyId, workflowId, dataKeyId, other: dataKeyId },
    secrets: {
      'client secret': secret,
      'access token': tokens.access_token,
      'refresh token': tokens.refresh_token,
      key,
    },
    signIn: (withKey = scene.adminKey) => openSession(send, withKey),
    snapshot: () => snapshotOf(scene),
    close: () => scene.close(),
  };
}

/** Tables that workers and sweeps write by themselves: their own state, and counts of other tables. */
const beside = /^(workers|sweeps|settings|key_holders|client_refusals|fleet_count\w*|health_count\w*)$/;
/** Times and counts of use, which a request may write. */
const used = "array['last_seen_at', 'last_used_at', 'seals']";

async function snapshotOf({ rows }: Scene): Promise<Record<string, unknown>> {
  const tables = await rows(
    "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  const compared = tables.map(({ table_name }) => String(table_name)).filter((table) => !beside.test(table));
  const found = await rows(compared.map(partOf).join(' union all '));
  return Object.fromEntries(found.map(({ name, rows, digest }) => [String(name), `${String(rows)} ${String(digest)}`]));
}

function partOf(table: string): string {
  const text = `(to_jsonb(t) - ${used})::text`;
  return `select '${table}' as name, count(*) as rows, md5(coalesce(string_agg(${text}, ' ' order by ${text}), '')) as digest
    from "${table}" t`;
}
