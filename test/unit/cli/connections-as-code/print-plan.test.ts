import { expect, test } from 'vitest';
import { planLines } from '../../../../src/cli/connections-as-code/print-plan.ts';
import type { Step } from '../../../../src/connections-file/plan-connections.ts';

const step = (action: Step['action'], name: string, grants = 0): Step => ({
  action,
  connection_name: name,
  etag: null,
  drifted: false,
  changes: [{ field: 'description', from: null, to: 'a\u001b[2Jb\u202e' }],
  effects: {
    grants_disconnected: grants,
    organizations_disconnected: Math.min(grants, 1),
    authorizations_voided: 0,
    workflows_disabled: 0,
    revoked_at_provider: false,
    client_secret_required: false,
  },
  warnings: [],
});

test('a plan is coloured by what a line does, and no value reaches the terminal as a command', () => {
  const plan = {
    managed_by: 'f',
    steps: [step('create', 'a'), step('change', 'b'), step('delete', 'c', 2)],
    unchanged: 1,
  };
  expect(planLines(plan, (format, text) => `<${format}>${text}`)).toEqual([
    '<red>! disconnects 2 grants in 1 organisation (c)',
    '<green>+ create a',
    '    description: "a\\u001b[2Jb\ufffd"',
    '<yellow>~ change b',
    '    description: null -> "a\\u001b[2Jb\ufffd"',
    '<red>- delete c',
    '1 to create, 1 to change, 1 to delete, 1 unchanged',
  ]);
});
