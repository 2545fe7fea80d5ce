import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyPlan } from '../../../src/connections-file/apply-plan.ts';
import { describePlan } from '../../../src/connections-file/describe-plan.ts';
import { planConnections } from '../../../src/connections-file/plan-connections.ts';
import type { DeclaredConnection } from '../../../src/connections-file/read-connections-file.ts';
import { movedSince, parseSavedPlan } from '../../../src/connections-file/saved-plan.ts';
import { createModelTarget } from './model-target.ts';

const names = ['a', 'b', 'c', 'd'];
const fields = fc.record({ client_id: fc.constantFrom('one', 'two'), description: fc.constantFrom('x', 'y') });
const file = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fields), { selector: ([name]) => name });
const stored = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...names),
    fields,
    managedBy: fc.constantFrom('mine', 'theirs', undefined),
    grants: fc.nat(3),
  }),
  { selector: ({ name }) => name },
);
type Stored = typeof stored extends fc.Arbitrary<infer S> ? S : never;
type File = typeof file extends fc.Arbitrary<infer F> ? F : never;

const declare = (entries: File): DeclaredConnection[] =>
  entries.map(([name, own]) => ({
    name,
    fields: { connection_name: name, ...own },
    positionOf: () => ({ line: 1, column: 1 }),
  }));

function modelOf(rows: Stored) {
  const model = createModelTarget();
  for (const { name, fields: own, managedBy, grants } of rows) {
    const body = { connection_name: name, ...own, ...(managedBy !== undefined && { managed_by: managedBy }) };
    model.rows.set(name, { body, revision: 1, appliedRevision: 1, grants });
  }
  return model;
}
const contents = ({ rows }: ReturnType<typeof createModelTarget>) =>
  new Map([...rows].map(([name, { body }]) => [name, body]));
const options = (prune: boolean) => ({ managedBy: 'mine', prune });

test('an applied plan leads to the file, counts what it ends, and leaves nothing to plan', async () => {
  await fc.assert(
    fc.asyncProperty(stored, file, fc.boolean(), async (rows, entries, prune) => {
      const model = modelOf(rows);
      const declared = declare(entries);
      const grants = () => [...model.rows.values()].reduce((sum, row) => sum + row.grants, 0);
      const before = { grants: grants(), names: new Set(model.rows.keys()) };
      const { plan, faults } = await planConnections(model.target, declared, options(prune));
      expect(faults).toEqual([]);
      expect(plan.steps.length + plan.unchanged).toBeGreaterThanOrEqual(declared.length);
      const results = await applyPlan(model.target, plan, declared);
      expect(results.every(({ outcome }) => outcome === 'done')).toBe(true);
      expect(before.grants - grants()).toBe(
        plan.steps.reduce((sum, { effects }) => sum + effects.grants_disconnected, 0),
      );
      for (const { name, fields: own } of declared) {
        expect(model.rows.get(name)?.body).toEqual({ ...own, managed_by: 'mine' });
      }
      const wanted = new Set(entries.map(([name]) => name));
      const gone = rows.filter(({ name }) => !model.rows.has(name));
      expect(gone.every(({ name, managedBy }) => prune && managedBy === 'mine' && !wanted.has(name))).toBe(true);
      const again = await planConnections(model.target, declared, options(prune));
      expect(again.plan).toEqual({ managed_by: 'mine', steps: [], unchanged: declared.length });
    }),
  );
});

test('an application that is interrupted at any step and repeated ends as one that is not', async () => {
  await fc.assert(
    fc.asyncProperty(stored, file, fc.nat(4), async (rows, entries, steps) => {
      const [whole, cut] = [modelOf(rows), modelOf(rows)];
      const declared = declare(entries);
      const apply = async (model: typeof whole, limit?: number) => {
        const { plan } = await planConnections(model.target, declared, options(true));
        await applyPlan(model.target, { ...plan, steps: plan.steps.slice(0, limit) }, declared);
      };
      await apply(whole);
      await apply(cut, steps);
      await apply(cut);
      expect(contents(cut)).toEqual(contents(whole));
    }),
  );
});

test('two applications at once, in any order of their steps, both end at the file', async () => {
  await fc.assert(
    fc.asyncProperty(stored, file, fc.scheduler(), async (rows, entries, scheduler) => {
      const model = modelOf(rows);
      const declared = declare(entries);
      const target = {
        ...model.target,
        perform: scheduler.scheduleFunction(model.target.perform),
        preview: scheduler.scheduleFunction(model.target.preview),
      };
      const apply = async () => {
        const { plan } = await planConnections(target, declared, options(true));
        return applyPlan(target, plan, declared);
      };
      const results = await scheduler.waitFor(Promise.all([apply(), apply()]));
      expect(results.flat().filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      const { plan } = await planConnections(model.target, declared, options(true));
      expect(plan.steps).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test('of two different files applied at once, each connection ends as one of them says', async () => {
  await fc.assert(
    fc.asyncProperty(stored, file, file, fc.scheduler(), async (rows, one, other, scheduler) => {
      const model = modelOf(rows.map((row) => ({ ...row, grants: 0 })));
      const perform = scheduler.scheduleFunction(model.target.perform);
      const preview = scheduler.scheduleFunction(model.target.preview);
      const apply = async (entries: File) => {
        const declared = declare(entries);
        const { plan } = await planConnections({ ...model.target, preview }, declared, options(false));
        return applyPlan({ ...model.target, perform, preview }, plan, declared);
      };
      const results = await scheduler.waitFor(Promise.all([apply(one), apply(other)]));
      expect(results.flat().filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      for (const [name] of [...one, ...other]) {
        const wanted = [one, other].flatMap((entries) => entries.filter(([each]) => each === name));
        expect(wanted.map(([, own]) => own)).toContainEqual({
          client_id: model.rows.get(name)?.body.client_id,
          description: model.rows.get(name)?.body.description,
        });
      }
    }),
    { numRuns: 50 },
  );
});

test('an edit by other means shows as drift, and the next application undoes it', async () => {
  const model = modelOf([{ name: 'a', fields: { client_id: 'one', description: 'x' }, managedBy: 'mine', grants: 0 }]);
  const declared = declare([['a', { client_id: 'one', description: 'x' }]]);
  model.rows.set('a', { ...model.rows.get('a'), revision: 2 } as never);
  const row = model.rows.get('a');
  if (row !== undefined) row.body.description = 'by hand';
  const { plan } = await planConnections(model.target, declared, options(false));
  expect(plan.steps).toMatchObject([
    { action: 'change', drifted: true, changes: [{ field: 'description', from: 'by hand', to: 'x' }] },
  ]);
  expect(describePlan(plan)).toEqual([
    '~ change a (edited by other means since the file was applied)',
    '    description: "by hand" -> "x"',
    '0 to create, 1 to change, 0 to delete, 0 unchanged',
  ]);
  await applyPlan(model.target, plan, declared);
  expect(model.rows.get('a')?.body.description).toBe('x');
});

test('a plan says first what it ends', async () => {
  const rows: Stored = [
    { name: 'a', fields: { client_id: 'one', description: 'x' }, managedBy: 'mine', grants: 3 },
    { name: 'b', fields: { client_id: 'one', description: 'x' }, managedBy: 'mine', grants: 1 },
  ];
  const model = modelOf(rows);
  const { plan } = await planConnections(
    model.target,
    declare([['b', { client_id: 'two', description: 'x' }]]),
    options(true),
  );
  expect(describePlan(plan)).toEqual([
    '! disconnects 1 grant in 1 organisation (b)',
    '! disconnects 3 grants in 1 organisation (a)',
    '~ change b',
    '    client_id: "one" -> "two"',
    '- delete a',
    '0 to create, 1 to change, 1 to delete, 0 unchanged',
  ]);
});

test('an edit between plan and application is refused if it makes the plan end more', async () => {
  const model = modelOf([{ name: 'a', fields: { client_id: 'one', description: 'x' }, managedBy: 'mine', grants: 2 }]);
  const declared = declare([['a', { client_id: 'one', description: 'y' }]]);
  const { plan } = await planConnections(model.target, declared, options(false));
  model.write({ action: 'change', name: 'a', body: { connection_name: 'a', client_id: 'two', description: 'x' } });
  model.rows.set('a', { ...model.rows.get('a'), grants: 2 } as never);
  expect(await applyPlan(model.target, plan, declared)).toMatchObject([
    { outcome: 'failed', refusal: { code: 'precondition_failed' } },
  ]);
  expect(model.rows.get('a')?.grants).toBe(2);
});

test('a saved plan names what moved since, whatever the order of the steps', async () => {
  const model = modelOf([{ name: 'a', fields: { client_id: 'one', description: 'x' }, managedBy: 'mine', grants: 0 }]);
  const declared = declare([
    ['a', { client_id: 'one', description: 'y' }],
    ['b', { client_id: 'one', description: 'y' }],
  ]);
  const planNow = async () => (await planConnections(model.target, declared, options(false))).plan;
  const plan = await planNow();
  const text = JSON.stringify({
    ...plan,
    version: 1,
    file_sha256: 'abc',
    file: 'mine',
    broker: 'https://b.example',
    organization: null,
    prune: false,
    steps: plan.steps.toReversed(),
  });
  const saved = parseSavedPlan(text);
  expect(saved && movedSince(saved, await planNow())).toEqual([]);
  model.write({ action: 'change', name: 'a', body: { connection_name: 'a', client_id: 'one', description: 'x' } });
  expect(saved && movedSince(saved, await planNow())).toEqual(['a']);
  model.write({ action: 'create', name: 'b', body: { connection_name: 'b' } });
  expect(saved && movedSince(saved, await planNow())).toEqual(['a', 'b']);
});

test.each(['', '{', 'null', '[]', '{"version":2,"steps":[]}', '{"version":1,"steps":[null]}'])(
  '%j is no saved plan',
  (text) => {
    expect(parseSavedPlan(text)).toBeUndefined();
  },
);

test('5,000 connections are created by one plan, and the next plan finds them unchanged', async () => {
  const { target } = createModelTarget();
  const declared = declare(
    Array.from({ length: 5_000 }, (_, at) => [`c-${at}`, { client_id: 'one', description: 'x' }]),
  );
  const { plan } = await planConnections(target, declared, options(true));
  expect((await applyPlan(target, plan, declared)).filter(({ outcome }) => outcome !== 'done')).toEqual([]);
  const again = await planConnections(target, declared, options(true));
  expect(again.plan).toEqual({ managed_by: 'mine', steps: [], unchanged: 5_000 });
});

test('a connection that equals the file, and is kept by hand, is adopted without a line in the plan', async () => {
  const own = { client_id: 'one', description: 'x' } as const;
  const rows = ['a', 'b', 'c'].map((name) => ({ name, fields: own, managedBy: undefined, grants: 1 }));
  const model = modelOf([...rows, { name: 'd', fields: own, managedBy: 'theirs', grants: 0 }]);
  const declared = declare([
    ['a', own],
    ['b', own],
    ['c', { ...own, description: 'y' }],
    ['d', own],
  ]);
  const { plan } = await planConnections(model.target, declared, { ...options(false), concurrency: 3 });
  expect(describePlan(plan)).toEqual([
    '~ change c',
    '    description: "x" -> "y"',
    '    managed_by: null -> "mine"',
    '~ change d',
    '    managed_by: "theirs" -> "mine"',
    '0 to create, 2 to change, 0 to delete, 0 unchanged, 2 to adopt',
  ]);
  await applyPlan(model.target, plan, declared);
  expect([...model.rows.values()].map(({ body }) => body.managed_by)).toEqual(['mine', 'mine', 'mine', 'mine']);
});

test('a call is confirmed only if the plan said that it ends something', async () => {
  const own = { client_id: 'one', description: 'x' } as const;
  const both = ['a', 'b'];
  const model = modelOf(both.map((name, grants) => ({ name, fields: own, managedBy: 'mine', grants })));
  const declared = declare(both.map((name) => [name, { ...own, client_id: 'two' }]));
  const { plan } = await planConnections(model.target, declared, options(false));
  const confirmed: [string, boolean][] = [];
  const perform: typeof model.target.perform = async (call, _etag, isConfirmed) => {
    confirmed.push([call.name, isConfirmed]);
    return { refusal: null };
  };
  await applyPlan({ ...model.target, perform }, plan, declared);
  expect(confirmed).toEqual([
    ['a', false],
    ['b', true],
  ]);
});

test('a step of a plan that was read before is not planned anew', async () => {
  const own = { client_id: 'one', description: 'x' } as const;
  const model = modelOf([{ name: 'a', fields: own, managedBy: 'mine', grants: 0 }]);
  const declared = declare([['a', { ...own, description: 'y' }]]);
  const { plan } = await planConnections(model.target, declared, options(false));
  model.write({ action: 'change', name: 'a', body: { connection_name: 'a', client_id: 'one', description: 'z' } });
  const results = await applyPlan(model.target, plan, declared, { plansAnew: false });
  expect(results).toMatchObject([{ outcome: 'failed', refusal: { code: 'precondition_failed' } }]);
  expect(model.rows.get('a')?.body.description).toBe('z');
});

test('a failure of one dry run begins no further one', async () => {
  const { target } = createModelTarget();
  const previewed: string[] = [];
  const preview: typeof target.preview = async (call) => {
    previewed.push(call.name);
    throw new Error('lost');
  };
  const declared = declare(names.map((name) => [name, { client_id: 'one', description: 'x' }]));
  const plan = planConnections({ ...target, preview }, declared, { ...options(false), concurrency: 2 });
  await expect(plan).rejects.toThrow('lost');
  expect(previewed).toEqual(['a', 'b']);
});
