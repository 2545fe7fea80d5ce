/** Members of a provider's response, by name. Nothing is checked. */
export type ResponseMembers = Record<string, unknown>;

/**
 * Parses a response body in JSON or form encoding. Returns null for anything else. `isComplete` false: the body broke
 * off, and only members that arrived whole are returned.
 */
export function parseResponseBody(body: string | null, isComplete = true): ResponseMembers | null {
  if (body === null) return null;
  const text = body.replace(/^\uFEFF/, '').trim();
  return text.startsWith('{') ? parseJsonObject(text) : parseForm(text, isComplete);
}

/** Checks whether a body is JSON from its beginning to its end: nothing can be missing, however its transfer ended. */
export function isWholeJson(body: string | null): boolean {
  try {
    JSON.parse(body?.replace(/^\uFEFF/, '') ?? '');
    return true;
  } catch {
    return false;
  }
}

function parseJsonObject(text: string): ResponseMembers | null {
  try {
    return JSON.parse(text) as ResponseMembers;
  } catch {
    return parseBrokenObject(text);
  }
}

/** Maximum members that are read one by one. An error for each of 100,000 commas would block the event loop. */
const maxBrokenMembers = 500;

/**
 * Reads the members of an object that is no valid JSON: it broke off, ends in a comma or a page of a proxy, or has a
 * value such as NaN. A rotated refresh token in it is the only copy. Returns null if no member can be read.
 */
function parseBrokenObject(text: string): ResponseMembers | null {
  const members = memberTexts(text).flatMap((member) => {
    try {
      return Object.entries(JSON.parse(`{${member}}`) as ResponseMembers);
    } catch {
      return [];
    }
  });
  return members.length === 0 ? null : Object.fromEntries(members);
}

/**
 * Splits an object's text at the commas between its own members. If the text broke off, its last member counts only if
 * it ends in a quote or bracket: a number may go on.
 */
function memberTexts(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let inString = false;
  let start = 1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (inString || depth > 1 || (depth === 1 && character !== ',')) continue;
    found.push(text.slice(start, at));
    if (depth === 0 || found.length === maxBrokenMembers) return found;
    start = at + 1;
  }
  return /["}\]]\s*$/.test(text) ? [...found, text.slice(start)] : found;
}

/** Recognizes a form by its content and ignores content-type: providers label forms text/plain and even text/html. */
function parseForm(text: string, isComplete: boolean): ResponseMembers | null {
  if (!/^[A-Za-z0-9_.-]+=[^\s<>]*$/.test(text)) return null;
  const parameters = [...new URLSearchParams(text)];
  // The end of a form is not marked: the last value may be the beginning of a token.
  return Object.fromEntries(isComplete ? parameters : parameters.slice(0, -1));
}
