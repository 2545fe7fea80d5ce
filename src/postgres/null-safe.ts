/**
 * The comparison that finds nulls where null is looked for. Not `is not distinct from`, which no index serves.
 */
export function sameAs(value: unknown): 'is' | '=' {
  return value === null ? 'is' : '=';
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What is not one is the id of nothing, and Postgres would refuse to compare it. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}
