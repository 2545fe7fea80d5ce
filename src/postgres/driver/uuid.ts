const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** True if `text` has the form of a UUID. Postgres raises an error when it compares other text with a uuid column. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}
