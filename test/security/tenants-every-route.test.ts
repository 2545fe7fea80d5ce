import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Api, ApiResponse } from '../support/http/broker-api.ts';
import { type CountedService, startCountedService } from '../support/http/counted-service.ts';
import { type Operation, operations } from './openapi-operations.ts';
import { addConnection, connect, expectStatus, openAuthorization, openSceneOn, type Scene } from './scene.ts';

/** Identifiers of one organisation, by kind. A caller of another organisation knows or guesses them. */
type Identifiers = Record<(typeof kinds)[number], string>;
const kinds = ['name', 'connection', 'grant', 'state', 'key', 'workflow', 'subject', 'organization'] as const;

const guessed: Identifiers = {
  name: 'c-0000000000',
  connection: '00000000-0000-7000-8000-000000000001',
  grant: '00000000-0000-7000-8000-000000000002',
  state: 'A'.repeat(43),
  key: '00000000-0000-7000-8000-000000000003',
  workflow: 'wf-0000000000',
  subject: 'person-0000000000',
  organization: 'o-0000000000',
};

let scene: Scene<CountedService>;
let b: Api;
let owned: Identifiers;
beforeAll(async () => {
  scene = await openSceneOn(startCountedService, { ALLOWED_RETURN_URLS: 'https://app.example' });
  b = (await scene.newKey({ organizations: ['b'] })).api;
  // The first request reads the key, which then stays in memory.
  expectStatus(await b.get('/connections'), 200);
  const connection = await addConnection(scene, { organization: 'o-a11ce0a11c' });
  const asA = { organization: connection.organization };
  const subject = 'person-a11ce0a11c';
  const workflow = 'wf-a11ce0a11c';
  // Statements may depend on whether a grant without a subject serves the connection.
  for (const body of [{ subject }, {}]) await connect(scene, connection, body);
  expectStatus(
    await scene.api.post(`/workflows/${workflow}/dependencies`, { connection_name: connection.name }, asA),
    201,
  );
  expectStatus(await scene.api.post(`/workflows/${workflow}/disable`, { reason: 'of A' }, asA), 200);
  const { grants } = (await scene.api.get(`${connection.path}/grants`, asA)).body as unknown as {
    grants: { grant_id: string }[];
  };
  const [{ id = '' } = {}] = await scene.rows(`select id from connections where name = '${connection.name}'`);
  const { id: key } = await scene.newKey({ organizations: ['o-a11ce0a11c'], permissions: ['credentials:read'] });
  const { state } = await openAuthorization(scene, connection, { subject });
  owned = {
    name: connection.name,
    connection: String(id),
    grant: grants[0]?.grant_id ?? '',
    state,
    key,
    workflow,
    subject,
    organization: 'o-a11ce0a11c',
  };
});
afterAll(() => scene?.close());
// A connection that an operation made for B would take the place of the foreign one in the operations after it.
afterEach(async () => {
  for (const { name } of [guessed, owned]) await b.delete(`/connections/${name}`);
});

/** Everything that the database holds for A, in one statement. */
const rowsOfA = () =>
  scene.rows(`select
    (select json_agg(c) from connections c where organization_id = 'o-a11ce0a11c') as connections,
    (select json_agg(g) from grants g where organization_id = 'o-a11ce0a11c') as grants,
    (select json_agg(t order by state_hash) from authorizations t where organization_id = 'o-a11ce0a11c') as authorizations,
    (select json_agg(w) from workflow_states w where organization_id = 'o-a11ce0a11c') as workflows,
    (select json_agg(d) from workflow_dependencies d where organization_id = 'o-a11ce0a11c') as dependencies,
    (select json_agg(k.revoked_at) from api_keys k where organizations = '{o-a11ce0a11c}') as keys`);

/** Rows of A before the first replay. */
let atRest: unknown;

const guarded = operations.filter(({ isPublic }) => !isPublic);

test('the service has completed the rows of A, and the document lists the operations to replay', async () => {
  expect(guarded.length).toBeGreaterThan(30);
  const isAtRest = async () => {
    const last = atRest;
    atRest = await rowsOfA();
    return isDeepStrictEqual(atRest, last);
  };
  await expect.poll(isAtRest, { interval: 500 }).toBe(true);
});

test.each(guarded.map((operation) => [operation.id, operation] as const))(
  '%s tells a caller of another organisation nothing about A by response or statements, and changes nothing of A',
  async (_, operation) => {
    const sent = scene.provider.received.length;
    for (const kind of identifiersTried(operation)) {
      const { imaginary, real } = await replayBoth(operation, kind);
      expect(real.statements, `${kind} in ${operation.path}`).toEqual(imaginary.statements);
      expect(comparable(real, owned), `${kind} in ${operation.path}`).toEqual(comparable(imaginary, guessed));
      for (const { text } of [real, imaginary]) expect(text).not.toMatch(/access-\d|refresh-\d|"Ada"|of A/);
    }
    expect(await rowsOfA()).toEqual(atRest);
    expect(scene.provider.received).toHaveLength(sent);
  },
);

/** A path parameter says by its name alone which kind it takes; `id` may be of any kind, so all are tried. */
function identifiersTried({ path }: Operation): readonly (keyof Identifiers)[] {
  return /\{(?!name\}|state\}|grant_id\})/.test(path) ? kinds : ['name'];
}

interface Replay extends ApiResponse {
  /** Statements that the request sent to the database. Their number decides how long a response takes. */
  statements: string[];
}

/** Replays again if the statements differ: a request that finds counts to fold, for example, folds them once. */
async function replayBoth(
  operation: Operation,
  kind: keyof Identifiers,
  attempts = 3,
): Promise<{ imaginary: Replay; real: Replay }> {
  const imaginary = await replay(operation, guessed, kind);
  const real = await replay(operation, owned, kind);
  const isSettled = attempts <= 1 || isDeepStrictEqual(real.statements, imaginary.statements);
  return isSettled ? { imaginary, real } : replayBoth(operation, kind, attempts - 1);
}

async function replay(operation: Operation, of: Identifiers, kind: keyof Identifiers): Promise<Replay> {
  const values: Record<string, string> = { name: of.name, state: of.state, grant_id: of.grant };
  const path = operation.path.replace(/\{(\w+)\}/g, (_, parameter) => values[parameter] ?? of[kind]);
  const filters = operation.query.flatMap((name): [string, string][] => {
    const value = identifierFor(name, of);
    return value === undefined ? [] : [[name, value]];
  });
  const bodyText = operation.body && JSON.stringify(withIdentifiers(operation.body.example, of));
  const sent = { path: `${path}?${new URLSearchParams(filters)}`, ...(bodyText !== undefined && { bodyText }) };
  const replayed = await send(operation, sent);
  if (replayed.status !== 400 || filters.length === 0) return replayed;
  // Some filters exclude each other: the bare request must be as silent.
  return send(operation, { ...sent, path });
}

async function send({ method, body }: Operation, { path, bodyText }: { path: string; bodyText?: string }) {
  const { response, sent: statements } = await scene.broker.statementsOf((counted) =>
    b.call(method, path, {
      ...(bodyText !== undefined && { body: body?.type === 'application/json' ? JSON.parse(bodyText) : bodyText }),
      headers: { ...counted, ...(body && { 'content-type': body.type }) },
    }),
  );
  return { ...response, statements };
}

/** Value of a query parameter or body member that can name a resource of an organisation. */
function identifierFor(name: string, of: Identifiers): string | undefined {
  const values: Record<string, string> = {
    connection_name: of.name,
    connection_id: of.connection,
    grant_id: of.grant,
    subject: of.subject,
    organization_id: of.organization,
    workflow_id: of.workflow,
    actor: of.key,
    q: of.name,
  };
  return values[name];
}

/** Puts the identifiers into the members of an example that hold such values. */
function withIdentifiers(example: unknown, of: Identifiers): unknown {
  if (typeof example !== 'object' || example === null) return {};
  const { account_id, organizations, connections, ...rest } = example as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries({ ...rest, ...(organizations !== undefined && { organizations: ['b'] }) }).map(([name, value]) => [
      name,
      identifierFor(name, of) ?? value,
    ]),
  );
}

/** Reduces a response to what must be equal: no identifiers that were sent, no new ids, no times. */
function comparable({ status, headers, text }: ApiResponse, sent: Identifiers) {
  const plain = Object.values(sent).reduce((rest, value) => rest.replaceAll(value, '…'), text);
  const masked = plain
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/[A-Za-z0-9_-]{43,}/g, '<random>')
    .replaceAll(/"(retry_after|expires_in|response_time_ms|uptime_seconds)":\d+/g, '"$1":0');
  const kept = [...headers].filter(([name]) => !volatileHeaders.includes(name));
  const location = headers.get('location')?.replace(/[^/]+$/, '…');
  return { status, headers: Object.fromEntries(kept), location, text: masked };
}
const volatileHeaders = ['date', 'x-request-id', 'content-length', 'etag', 'location'];
