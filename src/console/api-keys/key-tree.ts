import { type ApiKey, callerIdOf, isActive } from '../../domain/callers/api-key.ts';

/** Lists the active keys that a key made, and those that they made, as far as the list shows them. Oldest first. */
export function keysBelow(key: Pick<ApiKey, 'id'>, keys: readonly ApiKey[], now: Date): ApiKey[] {
  const makers = new Set([callerIdOf(key.id)]);
  const below: ApiKey[] = [];
  // A key is always younger than its maker, so one pass in the order of time finds all of them.
  for (const each of keys.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime())) {
    if (!makers.has(each.createdBy)) continue;
    makers.add(callerIdOf(each.id));
    if (isActive(each, now)) below.push(each);
  }
  return below;
}
