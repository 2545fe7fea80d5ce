import { expect, test } from 'vitest';
import { createAttemptRevocation } from '../../../../src/broker/revocations/attempt-revocation.ts';
import { revocationExtents } from '../../../../src/domain/connections/template.ts';
import type { PendingRevocation } from '../../../../src/domain/ports/maintenance/revocations.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { aGrant } from '../../../support/builders/grant.ts';

const now = new Date('2030-01-01T00:00:00Z');
const generic = createCatalogue().find('generic');

function aRevocation(change: Partial<PendingRevocation> = {}): PendingRevocation {
  const { id, organizationId, subject, origins } = aGrant();
  return {
    id: '1',
    grant: { id, organizationId, subject, origins, sealedTokens: new Uint8Array([1]) },
    connection: aConnection('acme', 'crm'),
    attempts: 2,
    createdAt: now,
    isClientGone: false,
    ...change,
  };
}

async function attempt(
  revocation: PendingRevocation,
  what: (typeof revocationExtents)[number] | null,
  answer: boolean | Error = true,
  isConnectedAgain = false,
) {
  const done: unknown[] = [];
  let calls = 0;
  const attemptRevocation = createAttemptRevocation({
    sendRevocation: async () => {
      calls++;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    revocations: {
      isConnectedAgain: async () => isConnectedAgain,
      postpone: async (id, { error }) => void done.push(['postponed', id, error]),
      remove: async (id, event) => void done.push(['removed', id, event?.outcome ?? null]),
    },
    catalogue: { find: () => generic && { ...generic, revocationEnds: what && { what, sentence: 'It ends.' } } },
    clock: () => now,
    onGivenUp: ({ error }) => void done.push(['reported', error]),
  });
  return { result: await attemptRevocation(revocation), calls, done };
}

test.each([...revocationExtents, null])(
  'a person who connected again keeps the new tokens if a revocation ends %s',
  async (what) => {
    const isHarmful = what === 'every_grant_of_the_person';
    const again = await attempt(aRevocation(), what, true, true);
    expect(again).toMatchObject({ result: isHarmful ? 'given_up' : 'confirmed', calls: isHarmful ? 0 : 1 });
    expect(await attempt(aRevocation(), what)).toMatchObject({ result: 'confirmed', calls: 1 });
  },
);

test('the first attempt has no audit event, because its caller learns the result; every later one has', async () => {
  expect((await attempt(aRevocation({ attempts: 1 }), null)).done).toEqual([['removed', '1', null]]);
  expect((await attempt(aRevocation({ attempts: 2 }), null)).done).toEqual([['removed', '1', 'success']]);
});

test('a provider without an endpoint for these tokens leaves nothing to repeat', async () => {
  const { result, done } = await attempt(aRevocation({ attempts: 1 }), null, false);
  expect([result, done]).toEqual(['unsupported', [['removed', '1', null]]]);
});

test('an error that may quote a secret is not stored', async () => {
  const { result, done } = await attempt(aRevocation(), null, new Error('the token rt-123 is bad'));
  expect([result, done]).toEqual(['postponed', [['postponed', '1', 'The revocation could not be made.']]]);
});
