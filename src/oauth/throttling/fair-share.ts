/**
 * Number of places, or of a minute's requests, that one organisation may take: three quarters, or half while another
 * organisation waits. Taking all would make a second organisation wait for the slow requests of the first.
 */
export function shareOf(total: number, anotherWaits: boolean): number {
  return Math.ceil(total * (anotherWaits ? 1 / 2 : 3 / 4));
}
