const secret = '[secret]';
/** Characters. Bounds the time of the patterns, some of which are quadratic in the length of a word. */
const maxLength = 2_000;

/** Each pattern matches a secret in the text of a library, with what introduces it. */
const replacements: readonly [pattern: RegExp, replacement: string][] = [
  // Connection strings, and any other URL with a user.
  [/\b(?:postgres(?:ql)?|rediss?):\/\/[^\s"']+/gi, secret],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/"'@]*@/gi, `$1${secret}@`],
  // Queries of URLs hold codes, states and tokens.
  [/(\/[^\s"'?]*)\?[^\s"']+/g, `$1?${secret}`],
  [/\b(bearer|basic|dpop)\s+[\w.~+/=-]+/gi, `$1 ${secret}`],
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*/g, secret],
  [
    /\b((?:access_|refresh_|id_)?token|client_secret|client_assertion|code_verifier|password|passwd)(["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
    `$1$2${secret}`,
  ],
  // Redis repeats the arguments of a command that it does not know, the password of AUTH included.
  [/(with args beginning with:).*/gis, `$1 ${secret}`],
  // PostgreSQL repeats a value that it cannot convert.
  [/(invalid input syntax for [\w ]+: ).*/gis, '$1[value]'],
];

/**
 * Removes connection strings, tokens, passwords and command arguments from a text of a library. Recognises their form
 * only, so it is a second line of defence: no code may put a secret into a message.
 */
export function scrub(text: string): string {
  // Drops the last word: half of a secret may match no pattern.
  const bounded = text.length > maxLength ? `${text.slice(0, maxLength).replace(/\S*$/, '')}…` : text;
  return replacements.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), bounded);
}
