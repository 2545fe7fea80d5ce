import { describe, expect, test } from 'vitest';
import type { ProbeResult } from '../../../../src/domain/ports/oauth.ts';
import { aTokenResponse } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';

const acme = actorOf('acme');

interface Case {
  multiAccount: boolean;
  /** Account of the grant that is being replaced. */
  held: string | null;
  /** Account that the caller named. */
  named: string | null;
  received: string | null;
  source: 'token response' | 'probe' | 'callback';
  allowed: boolean;
}

const cases = [false, true].flatMap((multiAccount) =>
  [null, 'U1'].flatMap((held) =>
    [null, 'U1', 'U2'].flatMap((named) =>
      [null, 'U1', 'U2'].flatMap((received) =>
        (['token response', 'probe', 'callback'] as const).flatMap((source) =>
          [false, true].map((allowed): Case => ({ multiAccount, held, named, received, source, allowed })),
        ),
      ),
    ),
  ),
);

const probed = (id: string | null): ProbeResult => ({
  result: 'success',
  message: 'ok',
  responseTimeMs: 1,
  account: id === null ? null : { id, name: null },
  httpStatus: 200,
});

async function authorize({ multiAccount, held, named, received, source, allowed }: Case) {
  const broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection({ multiAccount }));
  if (held !== null) await broker.importGrant(acme, 'crm', importedTokens({ accountId: held }));
  const stated = received === null || source === 'probe' ? null : { id: received, name: null };
  broker.oauth.script.exchange = {
    ...aTokenResponse('at', null),
    account: stated && { ...stated, ...(source === 'callback' && { isFromCallback: true }) },
  };
  broker.oauth.script.probe = probed(source === 'probe' ? received : null);
  const start = { ...(named !== null && { accountId: named }), allowAccountChange: allowed };
  const outcome = await broker.completeAuthorization((await walkToCallback(broker, 'acme', start)).hit);
  const stored = [...broker.rows.grants.values()];
  return { outcome, stored, authorized: stored.find((grant) => grant.metadata?.obtainedAt !== null), broker };
}

/** Account of the grant in the slot that the tokens arrive in. */
function replaced({ multiAccount, held, named, received }: Case): string | null {
  return multiAccount && held !== (received ?? named) ? null : held;
}

const verified = ({ received, source }: Case) => (source === 'callback' ? null : received);

function isMismatch(one: Case): boolean {
  const expected = [replaced(one), one.named].filter((id) => id !== null);
  return !one.allowed && expected.some((id) => id !== verified(one));
}

describe('the account of an authorization', () => {
  const name = '$held held, $named named, $received received by $source, allowed: $allowed, multi: $multiAccount';

  test.each(cases.filter(isMismatch))(`is a mismatch: ${name}`, async (one) => {
    const { outcome, stored } = await authorize(one);
    expect(outcome).toMatchObject({ status: 'failed', statusReason: 'account_mismatch' });
    expect(stored.map(({ accountId, version }) => [accountId, version])).toEqual(one.held === null ? [] : [['U1', 1]]);
  });

  test.each(cases.filter((one) => !isMismatch(one)))(`is stored: ${name}`, async (one) => {
    const { outcome, authorized, broker } = await authorize(one);
    expect(outcome).toMatchObject({ status: 'completed' });
    expect(authorized).toMatchObject({
      accountId: one.received ?? one.named,
      accountVerified: verified(one) !== null,
    });
    // Only the same account, named by the provider, keeps the earlier refresh token.
    const keeps = verified(one) !== null && replaced(one) === verified(one);
    const tokens = authorized && broker.tokensOf(authorized);
    expect(tokens?.refreshToken?.reveal() ?? null).toBe(keeps ? 'imported-rt' : null);
  });
});

test.each([null, 'U1'])('an import does not verify the account %s', async (accountId) => {
  const broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection());
  const grant = await broker.importGrant(acme, 'crm', importedTokens({ accountId }));
  expect(grant.accountVerified).toBe(false);
  expect(grant.warnings.map(({ code }) => code).includes('account_unverified')).toBe(accountId !== null);
});
