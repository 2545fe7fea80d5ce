/** base64url, as states are made; anything else was never one of ours and is not worth a query. */
const statePattern = /^[A-Za-z0-9_-]{16,512}$/;

export function isState(text: string): boolean {
  return statePattern.test(text);
}
