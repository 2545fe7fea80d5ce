import process from 'node:process';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { type ArbitraryAnswer, arbitraryAnswer, bytesOf } from '../support/provider/arbitrary-answers.ts';
import { jsonAnswer, type RawProvider, startRawProvider } from '../support/provider/raw-provider.ts';
import { addConnection, expectStatus, openScene, type Scene, type TestConnection } from './scene.ts';

/** FC_SEED repeats a run. fast-check prints seed and path of a failure. */
const seed = Number(process.env.FC_SEED ?? 40);
const runs = Number(process.env.FC_RUNS ?? 15);

let scene: Scene;
let raw: RawProvider;
beforeAll(async () => {
  raw = await startRawProvider();
  // Calls that hang end after 5 s, so that they do not outlive the test for long.
  scene = await openScene({
    PROVIDER_RETRIES: '2',
    PROVIDER_TIMEOUT_MS: '3000',
    PROVIDER_CALL_CAP_MS: '5000',
    ...withoutLaterSweeps,
  });
});
afterAll(async () => {
  await raw?.close();
  await scene?.close();
});

let count = 0;

/** Imports an expired grant. Its refresh token says whose it is. */
async function importExpired(connection: TestConnection, organization: string) {
  const subject = `${organization}-${count++}`;
  const tokens = { access_token: `at-${subject}`, refresh_token: `rt-${subject}` };
  const expiresAt = new Date(Date.now() - 60_000).toISOString();
  const body = { ...tokens, subject, expires_at: expiresAt };
  const response = await scene.api.post(`${connection.path}/grants`, body, { organization });
  return {
    id: expectStatus(response, 201).body.grant_id,
    subject,
    path: `${connection.credential}?subject=${subject}`,
  };
}

/** A token endpoint that serves the organisation `good` and answers `bad` by a script, whose last answer repeats. */
async function sharedEndpoint(script: readonly ArbitraryAnswer[]) {
  const path = `/endpoint-${count++}/token`;
  const answers = [...script];
  const issued = new Set<string>();
  const calls = { good: 0, bad: 0 };
  raw.answerEach((request) => {
    if (!request.form.get('refresh_token')?.startsWith('rt-good') || request.path !== path) {
      calls.bad += 1;
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer === undefined ? jsonAnswer({}, { status: 500 }) : bytesOf(answer);
    }
    calls.good += 1;
    const access = `live-${count++}`;
    issued.add(access);
    return jsonAnswer({ access_token: access, refresh_token: `rt-good-${count++}`, expires_in: 3600 });
  });
  const body = { token_url: `${raw.origin}${path}`, test_url: null, revocation_url: null };
  const add = (organization: string | undefined, more = {}) =>
    addConnection(scene, { organization, body: { ...body, ...more } });
  return {
    calls,
    issued,
    own: { good: await add('good'), bad: await add('bad') },
    global: await add(undefined, { allow_import: true }),
    body,
  };
}
type SharedEndpoint = Awaited<ReturnType<typeof sharedEndpoint>>;

interface Move {
  /** Grants of `bad` that are refreshed at once. */
  burst: number;
  below: 'own' | 'global';
  how: 'read' | 'refresh' | 'renew' | 'create';
}
const moves = fc.array(
  fc.record<Move>({
    burst: fc.integer({ min: 1, max: 8 }),
    below: fc.constantFrom('own', 'global'),
    how: fc.constantFrom('read', 'read', 'refresh', 'renew', 'create'),
  }),
  { minLength: 2, maxLength: 8 },
);

/** Lets `bad` call its provider, and returns before the calls have ended. */
async function misbehave(endpoint: SharedEndpoint, { burst, below, how }: Move): Promise<Promise<unknown>[]> {
  const organization = 'bad';
  if (how === 'create') {
    const body = { ...endpoint.body, oauth_flow_type: 'client_credentials', authorization_url: undefined };
    return [addConnection(scene, { organization, body }).catch(() => undefined)];
  }
  const connection = below === 'own' ? endpoint.own.bad : endpoint.global;
  const grants = await Promise.all(Array.from({ length: burst }, () => importExpired(connection, organization)));
  return grants.map(({ subject, path }) => {
    if (how === 'read') return scene.api.get(path, { organization });
    if (how === 'refresh') return scene.api.post(`${connection.path}/refresh`, { subject }, { organization });
    const body = { rejected_token: `at-${subject}`, subject };
    return scene.api.post(`${connection.credential}/renew`, body, { organization });
  });
}

const columns = 'status, status_reason, retry_at, consecutive_failures, failing_since, last_error, refresh_started_at';

test('whatever the provider answers one organisation, every grant of another at the same endpoint is served and refreshed', async () => {
  const organization = 'good';
  const running: Promise<unknown>[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryAnswer, { minLength: 1, maxLength: 12 }), moves, async (script, list) => {
      const endpoint = await sharedEndpoint(script);
      const before = { ...endpoint.calls };
      let served = 0;
      for (const move of list) {
        running.push(...(await misbehave(endpoint, move)));
        for (const connection of [endpoint.own.good, endpoint.global]) {
          const { path, subject } = await importExpired(connection, organization);
          const read = await scene.api.get(path, { organization });
          expect(read.status, read.text).toBe(200);
          expect(endpoint.issued).toContain(read.body.access_token);
          const renewal = { rejected_token: read.body.access_token, subject };
          const renewed = await scene.api.post(`${connection.credential}/renew`, renewal, { organization });
          expect(renewed.status, renewed.text).toBe(200);
          expect(renewed.body.access_token).not.toBe(read.body.access_token);
          const refreshed = await scene.api.post(`${connection.path}/refresh`, { subject }, { organization });
          expect(refreshed.status, refreshed.text).toBe(200);
          served += 3;
        }
      }
      expect(endpoint.calls.good - before.good).toBe(served);
      const rows = await scene.rows(`select ${columns} from grants where organization_id = 'good'`);
      for (const row of rows)
        expect(row).toEqual({
          status: 'completed',
          status_reason: null,
          retry_at: null,
          consecutive_failures: 0,
          failing_since: null,
          last_error: null,
          refresh_started_at: null,
        });
      const failures = await scene.rows(
        "select action from audit_events where organization_id = 'good' and outcome = 'failure'",
      );
      expect(failures).toEqual([]);
    }),
    { numRuns: runs, seed, endOnFailure: true },
  );
  await Promise.all(running);
}, 600_000);
