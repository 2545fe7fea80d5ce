import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '../../../../src/domain/audit.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let runs = 0;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.end());

const reach = { organizations: '*', global: true } as const;
/** Text that a text column can hold. */
const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((each) => !each.includes('\0') && each.isWellFormed());
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const event = fc.record({
  // Time moves forward, as in the process that records.
  time: fc.constant(new Date('2030-01-31T12:00:00.123Z')),
  actor: fc.constant(''),
  action: fc.constantFrom('credential.fetched' as const, 'credential.refused' as const),
  organizationId: maybe(text),
  connectionId: maybe(fc.uuid()),
  connectionName: maybe(text),
  grantId: maybe(fc.uuid()),
  outcome: fc.constantFrom('success' as const, 'failure' as const),
  details: fc.record({ subject: maybe(text), fetches: fc.nat(), names: fc.array(text, { maxLength: 3 }) }),
  requestId: maybe(text),
  address: maybe(text),
});

test('many events of any content are written by one call and read as they were, in their order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 60 }), async (written) => {
      const actor = `run-${++runs}`;
      const events: AuditEvent[] = written.map((each) => ({ ...each, actor }));
      await stores.audit.appendAll(events);
      const { events: read } = await stores.audit.list({ reach, actor }, { limit: 200 });
      expect(read.map(({ id, ...each }) => each).reverse()).toEqual(events);
    }),
    { numRuns: 30 },
  );
});
