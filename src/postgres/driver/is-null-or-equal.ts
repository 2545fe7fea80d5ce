/** Returns the operator that matches `value`, null included. Not `is not distinct from`, which no index serves. */
export function isNullOrEqual(value: unknown): 'is' | '=' {
  return value === null ? 'is' : '=';
}
