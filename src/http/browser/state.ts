/** Format of a state: base64url. Any other text cannot be a state of the broker, so it costs no database query. */
const statePattern = /^[A-Za-z0-9_-]{16,512}$/;

export function isState(text: string): boolean {
  return statePattern.test(text);
}
