import { describe, expect, test } from 'vitest';
import type { WorkflowState } from '../../../../src/domain/workflows.ts';
import { createSubscribers } from '../../../../src/postgres/notify/subscribers.ts';
import { createWorkflowStates } from '../../../../src/postgres/workflows/workflow-states.ts';

const disabled: WorkflowState = {
  workflowId: 'w',
  isDisabled: true,
  reason: 'broken',
  disabledAt: new Date(0),
  disabledBy: 'ada',
  connectionName: null,
  enabledAt: null,
  enabledBy: null,
};

/** Builds the states over one row and a listener. Each read waits for the gate. */
function createWorld() {
  const subscribers = createSubscribers((error) => {
    throw error;
  });
  const world = { isUp: true, row: undefined as WorkflowState | undefined, reads: 0, gate: Promise.resolve() };
  const watchers: ((up: boolean) => void)[] = [];
  const states = createWorkflowStates({
    readerOf: () => ({
      find: async () => {
        world.reads += 1;
        const { row } = world;
        await world.gate;
        return row;
      },
    }),
    listener: {
      subscribe: (channel, handler) => void subscribers.add(channel, handler),
      onChange: (handler) => watchers.push(handler),
      isUp: () => world.isUp,
    },
  });
  return {
    world,
    find: (organizationId: string | null = 'acme', workflowId = 'w') => states.find(organizationId, workflowId),
    notify: (organization_id: string | null, workflow_id: string | null) =>
      subscribers.notifyLocally('workflow_changed', { organization_id, workflow_id }),
    turn: (up: boolean) => {
      world.isUp = up;
      for (const watcher of watchers) watcher(up);
    },
  };
}

describe('states of workflows in memory', () => {
  test.each([undefined, disabled])('a state is read once, then returned without a promise: %j', async (row) => {
    const { world, find } = createWorld();
    world.row = row;
    expect(await find()).toBe(row);
    expect(find()).toBe(row);
    expect(world.reads).toBe(1);
  });

  test.each<[string, string | null, string | null, reads: number]>([
    ['the workflow', 'acme', 'w', 2],
    ['every workflow', null, null, 2],
    ['another workflow', 'acme', 'v', 1],
    ['the same workflow of another organisation', 'other', 'w', 1],
    ['the same workflow of the global scope', null, 'w', 1],
  ])(
    'after a notification about %s the state is read again only if it may have changed',
    async (_, owner, id, reads) => {
      const { world, find, notify } = createWorld();
      await find();
      notify(owner, id);
      await find();
      expect(world.reads).toBe(reads);
    },
  );

  test('a state that changed while it was read is not kept', async () => {
    const { world, find, notify } = createWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const reading = find();
    world.row = disabled;
    notify('acme', 'w');
    resolve();
    expect(await reading).toBeUndefined();
    expect(await find()).toBe(disabled);
  });

  test('nothing is kept or served from memory while the listener is down, nor across its reconnection', async () => {
    const { world, find, turn } = createWorld();
    await find();
    turn(false);
    world.row = disabled;
    expect(await find()).toBe(disabled);
    expect(await find()).toBe(disabled);
    expect(world.reads).toBe(3);
    world.row = undefined;
    turn(true);
    expect(await find()).toBeUndefined();
  });

  test('a read that spans a reconnection is not kept', async () => {
    const { world, find, turn } = createWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const reading = find();
    world.row = disabled;
    turn(false);
    turn(true);
    resolve();
    await reading;
    expect(await find()).toBe(disabled);
  });
});
