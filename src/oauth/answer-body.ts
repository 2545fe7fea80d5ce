/** A provider's answer as one object: JSON, or form-encoded as some still send it. Null where it is neither. */
export function parseAnswerBody(body: string | null): Record<string, unknown> | null {
  if (body === null) return null;
  const text = body.replace(/^\uFEFF/, '').trim();
  return text.startsWith('{') ? parseJsonObject(text) : parseForm(text);
}

function parseJsonObject(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** Told by its shape, not its label: providers send forms as text/plain and even as text/html. */
function parseForm(text: string): Record<string, unknown> | null {
  if (!/^[A-Za-z0-9_.-]+=[^\s<>]*$/.test(text)) return null;
  return Object.fromEntries(new URLSearchParams(text));
}
