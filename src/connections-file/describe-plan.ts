import type { Plan, Step } from './plan-connections.ts';

const signs = { create: '+', change: '~', delete: '-' } as const;

/** Prints a plan for people: first what it ends, then a block for each connection, then the summary. */
export function describePlan(plan: Plan): string[] {
  const ends = plan.steps.flatMap((step) => endsOf(step).map((line) => `! ${line} (${step.connection_name})`));
  return [...ends, ...plan.steps.flatMap(describeStep), summaryOf(plan)];
}

/** The last line of a plan. */
export function summaryOf({ steps, unchanged }: Plan): string {
  const count = (action: Step['action']) => steps.filter((step) => step.action === action).length;
  return `${count('create')} to create, ${count('change')} to change, ${count('delete')} to delete, ${unchanged} unchanged`;
}

function describeStep({ action, connection_name: name, changes, drifted }: Step): string[] {
  const drift = drifted && action === 'change' ? ' (edited by other means since the file was applied)' : '';
  const head = `${signs[action]} ${action} ${name}${drift}`;
  if (action === 'delete') return [head];
  return [
    head,
    ...changes
      .filter(({ field }) => field !== 'connection_name')
      .map((change) => {
        if (!('to' in change)) return `    ${change.field}: ${action === 'create' ? 'set' : 'changed'}`;
        const to = JSON.stringify(change.to);
        return `    ${change.field}: ${action === 'create' ? to : `${JSON.stringify(change.from)} -> ${to}`}`;
      }),
  ];
}

function endsOf({ effects }: Step): string[] {
  const { grants_disconnected: grants, organizations_disconnected: organizations } = effects;
  const { authorizations_voided: authorizations, workflows_disabled: workflows } = effects;
  return [
    ...(grants > 0 ? [`disconnects ${counted(grants, 'grant')} in ${counted(organizations, 'organisation')}`] : []),
    ...(authorizations > 0 ? [`voids ${counted(authorizations, 'pending authorization')}`] : []),
    ...(workflows > 0 ? [`disables ${counted(workflows, 'workflow')}`] : []),
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
