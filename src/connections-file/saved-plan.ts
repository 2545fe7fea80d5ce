import type { Plan, Step } from './plan-connections.ts';

/** A plan as it is kept in a file. It holds no secret: the file of connections is read again when the plan is applied. */
export interface SavedPlan extends Plan {
  version: 1;
  /** SHA-256 of the file of connections, in hex. */
  file_sha256: string;
  /** Path of that file, as the command named it. */
  file: string;
  /** Address of the broker, and the organisation; null for the global scope. */
  broker: string;
  organization: string | null;
  prune: boolean;
}

/** Reads a saved plan. Returns undefined for any other text. */
export function parseSavedPlan(text: string): SavedPlan | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const plan = value as Partial<SavedPlan> | null;
  if (plan === null || typeof plan !== 'object' || plan.version !== 1 || !Array.isArray(plan.steps)) return undefined;
  const texts = [
    plan.managed_by,
    plan.file_sha256,
    plan.file,
    plan.broker,
    ...plan.steps.map((step: Partial<Step> | null) => step?.connection_name),
  ];
  const isWhole = texts.every((each) => typeof each === 'string') && typeof plan.prune === 'boolean';
  return isWhole ? (plan as SavedPlan) : undefined;
}

/**
 * Names the connections whose step differs from the saved one: they, or their line in the file, or their secret, moved
 * since the plan. A saved plan is applied only if there are none.
 */
export function movedSince(saved: Pick<Plan, 'steps'>, fresh: Pick<Plan, 'steps'>): string[] {
  const before = stepsByName(saved);
  const now = stepsByName(fresh);
  return [...new Set([...before.keys(), ...now.keys()])].filter((name) => before.get(name) !== now.get(name)).sort();
}

function stepsByName({ steps }: Pick<Plan, 'steps'>): Map<string, string> {
  return new Map(steps.map((step) => [step.connection_name, canonical(withoutWarnings(step))]));
}

/** Warnings follow from the clock as well: a token that will expire soon is no reason to refuse a plan. */
function withoutWarnings({ warnings: _, ...step }: Step): Omit<Step, 'warnings'> {
  return step;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
