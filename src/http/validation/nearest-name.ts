/** Longest name that is compared, in characters. Known names are far shorter, and comparing costs length times length. */
const maxLength = 64;

/**
 * Finds the known name that the author of an unknown one probably meant: the same letters in another spelling, a few
 * wrong letters, or the beginning of a name.
 */
export function nearestName(unknown: string, known: readonly string[]): string | undefined {
  if (unknown.length > maxLength) return undefined;
  const meant = lettersOf(unknown);
  const candidates = known
    .map((name) => ({ name, distance: distanceBetween(meant, lettersOf(name)) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [nearest] = candidates;
  if (nearest !== undefined && nearest.distance <= Math.max(1, Math.floor(meant.length / 3))) return nearest.name;
  return meant.length < 3 ? undefined : known.find((name) => lettersOf(name).startsWith(meant));
}

/** Removes case and punctuation: `accountId`, `account-id` and `account_id` are spellings of one name. */
function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Counts the insertions, deletions, replacements and swaps of neighbours between two texts (optimal string alignment). */
function distanceBetween(a: string, b: string): number {
  let earlier: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let at = 1; at <= b.length; at++) {
      const [left = 0, up = 0, diagonal = 0] = [current[at - 1], above[at], above[at - 1]];
      const isSwap = a[row - 1] === b[at - 2] && a[row - 2] === b[at - 1];
      const swapped = isSwap ? (earlier[at - 2] ?? Number.POSITIVE_INFINITY) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(left + 1, up + 1, diagonal + (a[row - 1] === b[at - 1] ? 0 : 1), swapped));
    }
    earlier = above;
    above = current;
  }
  return above[b.length] ?? a.length;
}
