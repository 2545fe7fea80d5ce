/** Characters that stay of a token of at least four times this length. */
const shown = 4;

/** Shortens a secret to a beginning that tells two of them apart. A short secret is hidden whole. */
export function mask(secret: string): string {
  return `${secret.length >= 4 * shown ? secret.slice(0, shown) : ''}…`;
}
