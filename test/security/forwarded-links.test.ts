import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { challengeOf, confirm, finishSignIn, returnUrl, startBound } from './bound-links.ts';
import { addConnection, connect, openScene, type Scene, scriptCorrectReplies, type TestConnection } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ ALLOWED_RETURN_URLS: 'https://app.test' });
});
afterEach(() => scriptCorrectReplies(scene.provider));
afterAll(() => scene?.close());

const grantsOf = async ({ name }: TestConnection) =>
  scene.rows(
    `select g.subject, g.account_id, g.status from grants g join connections c on c.id = g.connection_id
     where c.name = '${name}' and g.sealed_tokens is not null`,
  );
const heldTokens = (authorizationId: string) =>
  scene.rows(
    `select 1 from authorizations where sealed_waiting is not null and authorization_id = '${authorizationId}'`,
  );
const progress = async (state: string) => (await scene.api.get(`/authorizations/${state}`)).body;
const revoked = () => scene.provider.received.filter(({ path }) => path === '/revoke').map(({ body }) => body);

describe('a link that an attacker starts and forwards, with a binding to the session of the attacker', () => {
  /** The attacker starts for their own subject; the victim opens the forwarded link in a browser of their own. */
  async function attack() {
    const connection = await addConnection(scene);
    const attackers = await startBound(scene, connection, { subject: 'attacker' });
    const victims = createBrowser();
    await victims.open(attackers.link, (url) => url.origin === scene.provider.origin);
    return { connection, attackers, victims };
  }

  test('the sign-in of the victim alone makes no grant', async () => {
    const { connection, attackers, victims } = await attack();
    const hop = await attackers.sendCallback(undefined, victims);
    expect(hop.location?.searchParams.get('status')).toBe('confirmation_required');
    expect(await grantsOf(connection)).toEqual([]);
    expect(await progress(attackers.state)).toMatchObject({ status: 'awaiting_confirmation', account_id: null });
    expect((await scene.api.get(`${connection.credential}?subject=attacker`)).status).toBe(404);
  });

  const guess = () => randomBytes(32).toString('base64url');
  /** Everything the attacker knows: the state, the return URL, the authorization id and the verifier, but no code. */
  test.each([
    ['state', ({ state }: Known) => ({ verifier: state, code: state })],
    ['return URL', () => ({ verifier: returnUrl, code: returnUrl })],
    ['verifier', ({ verifier }: Known) => ({ verifier, code: guess() })],
    ['code', ({ code }: Known) => ({ verifier: guess(), code })],
    ['state and verifier', ({ state, verifier }: Known) => ({ verifier, code: state })],
    ['state and code', ({ state, code }: Known) => ({ verifier: state, code })],
    ['return URL and verifier', ({ verifier }: Known) => ({ verifier, code: returnUrl })],
    ['return URL and code', ({ code }: Known) => ({ verifier: returnUrl, code })],
    ['challenge and code', ({ verifier, code }: Known) => ({ verifier: challengeOf(verifier), code })],
    ['verifier and code, exchanged', ({ verifier, code }: Known) => ({ verifier: code, code: verifier })],
  ])('who knows the %s makes no grant, and one wrong try discards the tokens', async (_, tryWith) => {
    const { connection, attackers, victims } = await attack();
    const arrived = await finishSignIn({ sendCallback: () => attackers.sendCallback(undefined, victims) });
    const known = { state: attackers.state, verifier: attackers.verifier, code: arrived.code };
    const before = revoked().length;
    const tried = await confirm(scene.api, arrived.authorizationId, tryWith(known));
    expect(tried.status, tried.text).toBe(400);
    expect(tried.body).toMatchObject({
      code: 'confirmation_refused',
      status_reason: 'authorization_cancelled',
      next_action: 'authorize',
    });
    expect(await grantsOf(connection)).toEqual([]);
    // The right values come too late.
    expect((await confirm(scene.api, arrived.authorizationId, known)).status).toBe(400);
    expect(await grantsOf(connection)).toEqual([]);
    expect(await progress(attackers.state)).toMatchObject({
      status: 'failed',
      status_reason: 'authorization_cancelled',
    });
    expect(revoked().length).toBeGreaterThan(before);
    expect(await heldTokens(arrived.authorizationId)).toEqual([]);
  });

  test('the browser of the attacker gets no code: neither by the link, nor the callback, nor the progress', async () => {
    const { attackers, victims } = await attack();
    const code = { code: 'the-code-of-the-victim' };
    const { location } = await attackers.sendCallback(code, victims);
    const confirmationCode = location?.searchParams.get('confirmation_code') ?? 'none';
    const seen = [
      await attackers.browser.send('GET', new URL(attackers.link)),
      await attackers.sendCallback(code),
      await attackers.sendCallback(code, createBrowser()),
      await attackers.sendCallback({ code: 'another' }),
    ];
    for (const hop of seen) {
      expect(hop.status).toBe(400);
      expect(`${hop.body} ${hop.location?.href}`).not.toContain(confirmationCode);
    }
    expect(JSON.stringify(await progress(attackers.state))).not.toContain(confirmationCode);
    // The browser that finished the sign-in gets the same code again: a reload loses nothing.
    const again = await attackers.sendCallback(code, victims);
    expect(again.location?.href).toBe(location?.href);
  });

  test('the database holds neither the code nor a token in readable form', async () => {
    const connection = await addConnection(scene);
    const { code } = await finishSignIn(await startBound(scene, connection));
    const stored = JSON.stringify(await scene.rows('select row_to_json(a) from authorizations a'));
    expect(stored).not.toContain(code);
    expect(stored).not.toMatch(/access-\d+|refresh-\d+/);
    expect(stored).not.toContain(Buffer.from('access-').toString('hex'));
  });
});

interface Known {
  state: string;
  verifier: string;
  code: string;
}

describe('a confirmation', () => {
  test('with both values makes the grant, and any number of them at once makes one', async () => {
    const connection = await addConnection(scene);
    const started = await startBound(scene, connection, { subject: 'ann', client_state: 'theirs' });
    const arrived = await finishSignIn(started);
    expect(arrived.location.href).toBe(
      `${returnUrl}?status=confirmation_required&authorization_id=${arrived.authorizationId}` +
        `&confirmation_code=${arrived.code}&connection_name=${connection.name}&client_state=theirs`,
    );
    const right = { verifier: started.verifier, code: arrived.code };
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => confirm(scene.api, arrived.authorizationId, right)),
    );
    for (const { status, body, text } of responses) {
      expect(status, text).toBe(200);
      expect(body).toMatchObject({
        status: 'completed',
        subject: 'ann',
        account_id: 'ada',
        connection_name: connection.name,
      });
    }
    expect(await grantsOf(connection)).toEqual([{ subject: 'ann', account_id: 'ada', status: 'completed' }]);
    expect((await scene.api.get(`${connection.credential}?subject=ann`)).status).toBe(200);
    const connected = await scene.rows(
      `select 1 from audit_events where action = 'grant.connected' and connection_name = '${connection.name}'`,
    );
    expect(connected).toHaveLength(1);
    // A wrong one afterwards changes nothing.
    const wrong = await confirm(scene.api, arrived.authorizationId, { ...right, code: 'wrong' });
    expect(wrong.body).toMatchObject({ code: 'confirmation_refused', status_reason: null, next_action: 'none' });
    expect((await confirm(scene.api, arrived.authorizationId, right)).status).toBe(200);
    expect(await grantsOf(connection)).toHaveLength(1);
  });

  test('of any wrong verifiers and codes makes no grant', async () => {
    const connection = await addConnection(scene);
    const text = fc
      .string({ minLength: 1, maxLength: 128 })
      .filter((value) => value.isWellFormed() && !value.includes('\0'));
    await fc.assert(
      fc.asyncProperty(text, text, fc.constantFrom('verifier', 'code', 'both'), async (verifier, code, wrong) => {
        const started = await startBound(scene, connection);
        const arrived = await finishSignIn(started);
        const tried = await confirm(scene.api, arrived.authorizationId, {
          verifier: wrong === 'code' ? started.verifier : verifier,
          code: wrong === 'verifier' ? arrived.code : code,
        });
        expect(tried.status, tried.text).toBe(400);
        expect(await grantsOf(connection)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test('before the person has finished is refused, and the sign-in still counts', async () => {
    const connection = await addConnection(scene);
    const started = await startBound(scene, connection);
    const [{ authorization_id: id } = {}] = await scene.rows(
      `select authorization_id from authorizations where binding_challenge = '${challengeOf(started.verifier)}'`,
    );
    const early = await confirm(scene.api, String(id), { verifier: started.verifier, code: 'x' });
    expect(early.body).toMatchObject({ code: 'confirmation_refused', status_reason: null, next_action: 'authorize' });
    const arrived = await finishSignIn(started);
    expect(arrived.authorizationId).toBe(id);
    expect((await confirm(scene.api, arrived.authorizationId, { ...started, ...arrived })).status).toBe(200);
  });

  test('after ten minutes is refused, whether or not the tokens are revoked already', async () => {
    const connection = await addConnection(scene);
    const started = await startBound(scene, connection);
    const arrived = await finishSignIn(started);
    const [{ seconds } = {}] = await scene.rows(
      `select extract(epoch from confirm_until - now())::int as seconds from authorizations
       where authorization_id = '${arrived.authorizationId}'`,
    );
    expect(Number(seconds)).toBeGreaterThan(580);
    expect(Number(seconds)).toBeLessThanOrEqual(600);
    await scene.rows(
      `update authorizations set confirm_until = now() where authorization_id = '${arrived.authorizationId}'`,
    );
    const late = await confirm(scene.api, arrived.authorizationId, { ...started, ...arrived });
    expect(late.body).toMatchObject({ code: 'confirmation_refused', status_reason: 'authorization_expired' });
    expect(await progress(started.state)).toMatchObject({ status: 'expired', status_reason: 'authorization_expired' });
    const { location } = await started.sendCallback();
    expect(location?.searchParams.get('status_reason')).toBe('authorization_expired');
    expect(await grantsOf(connection)).toEqual([]);
  });

  test.each(['edited', 'deleted', 'cancelled'] as const)(
    'after the connection or the link was %s makes no grant',
    async (how) => {
      const connection = await addConnection(scene);
      const started = await startBound(scene, connection);
      const arrived = await finishSignIn(started);
      const before = revoked().length;
      if (how === 'edited') {
        const body = { client_id: 'another', client_secret: 'another' };
        expect((await scene.api.patch(connection.path, body)).status).toBe(200);
      } else if (how === 'deleted') expect((await scene.api.delete(connection.path)).status).toBe(200);
      else expect((await scene.api.post(`${connection.path}/cancel`, {})).body).toMatchObject({ cancelled: 1 });
      const late = await confirm(scene.api, arrived.authorizationId, { ...started, ...arrived });
      const refusal = {
        edited: { code: 'confirmation_refused', status_reason: 'configuration_changed' },
        deleted: { code: 'not_found' },
        cancelled: { code: 'confirmation_refused', status_reason: 'authorization_cancelled' },
      };
      expect(late.body).toMatchObject(refusal[how]);
      expect(await grantsOf(connection)).toEqual([]);
      // An edit drops the tokens of the old client, as it drops those of grants.
      expect(revoked().length > before).toBe(how !== 'edited');
      expect(await heldTokens(arrived.authorizationId)).toEqual([]);
    },
  );

  test('of another account than that of the grant since then is a mismatch, and the grant is unharmed', async () => {
    const connection = await addConnection(scene);
    const started = await startBound(scene, connection, { subject: 'ann' });
    const arrived = await finishSignIn(started);
    scene.provider.script('/me', json(200, { sub: 'eve', name: 'Eve' }));
    await connect(scene, connection, { subject: 'ann' });
    const before = revoked().length;
    const late = await confirm(scene.api, arrived.authorizationId, { ...started, ...arrived });
    expect(late.body).toMatchObject({ code: 'confirmation_refused', status_reason: 'account_mismatch' });
    expect(await grantsOf(connection)).toEqual([{ subject: 'ann', account_id: 'eve', status: 'completed' }]);
    expect(revoked().length).toBe(before);
  });
});
