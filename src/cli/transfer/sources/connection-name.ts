/** Maximum characters of the name of a connection. */
const maxLength = 100;

/** Makes a name of a connection from a text of another system: letters, digits, `_` and `-`. */
export function connectionNameOf(...parts: readonly string[]): string {
  const words = parts.map((part) =>
    part
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^-+|-+$/g, ''),
  );
  return words
    .filter((word) => word !== '')
    .join('-')
    .slice(0, maxLength);
}

/** Gives each key a name of its own, the same one each time. A name that is taken gets the key at its end. */
export function createNames(): (key: string, wanted: string) => string {
  const keyOf = new Map<string, string>();
  return (key, wanted) => {
    const name = keyOf.get(wanted) ?? key;
    if (wanted !== '' && name === key) {
      keyOf.set(wanted, key);
      return wanted;
    }
    return connectionNameOf(wanted.slice(0, maxLength / 2), key);
  };
}
