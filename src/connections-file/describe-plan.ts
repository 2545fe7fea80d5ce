import { isAdoption, type Plan, type Step } from './plan-connections.ts';
import type { Change } from './target.ts';

const signs = { create: '+', change: '~', delete: '-' } as const;

/** Prints a plan for people: first what it ends, then a block for each connection, then the summary. */
export function describePlan(plan: Plan): string[] {
  const ends = plan.steps.flatMap((step) => endsOf(step).map((line) => `! ${line} (${step.connection_name})`));
  const shown = plan.steps.filter((step) => !isAdoption(step));
  return [...ends, ...shown.flatMap(describeStep), summaryOf(plan)];
}

/** The last line of a plan. */
export function summaryOf(plan: Plan): string {
  const { create, change, delete: deleted, adopt, unchanged } = countsOf(plan);
  const adopted = adopt === 0 ? '' : `, ${adopt} to adopt`;
  return `${create} to create, ${change} to change, ${deleted} to delete, ${unchanged} unchanged${adopted}`;
}

/** Numbers of a plan. `adopt`: connections that equal the file, and that an application marks as kept in it. */
export function countsOf({ steps, unchanged }: Pick<Plan, 'steps' | 'unchanged'>) {
  const shown = steps.filter((step) => !isAdoption(step));
  const count = (action: Step['action']) => shown.filter((step) => step.action === action).length;
  return {
    create: count('create'),
    change: count('change'),
    delete: count('delete'),
    adopt: steps.length - shown.length,
    unchanged,
  };
}

function describeStep({ action, connection_name: name, changes, drifted }: Step): string[] {
  const drift = drifted && action === 'change' ? ' (edited by other means since the file was applied)' : '';
  const head = `${signs[action]} ${action} ${name}${drift}`;
  if (action === 'delete') return [head];
  return [
    head,
    ...changes
      .filter((change) => change.field !== 'connection_name' && !(action === 'create' && isEmpty(change)))
      .map((change) => {
        if (!('to' in change)) return `    ${change.field}: ${action === 'create' ? 'set' : 'changed'}`;
        const to = JSON.stringify(change.to);
        return `    ${change.field}: ${action === 'create' ? to : `${JSON.stringify(change.from)} -> ${to}`}`;
      }),
  ];
}

/** A new connection has many fields that hold nothing. */
function isEmpty(change: Change): boolean {
  return 'to' in change && change.to !== null && typeof change.to === 'object' && Object.keys(change.to).length === 0;
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
