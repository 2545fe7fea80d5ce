export type QueryValue = string | number | boolean | readonly string[] | null | undefined;
/** Absent and null values are left out. A list is joined with commas. */
export type Query = Readonly<Record<string, QueryValue>>;

/** Builds a path from segments. Refuses segments that would select another route. */
export function pathOf(...segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeSegment(segment)}`).join('');
}

/** A URL drops the segments `.` and `..`, also in their encoded form (WHATWG URL, path state). */
function encodeSegment(segment: string): string {
  if (typeof segment !== 'string' || segment === '' || segment === '.' || segment === '..') {
    throw new TypeError(`${JSON.stringify(segment)} is not a name or an id`);
  }
  return encodeURIComponent(segment);
}

/** Checks the address of the broker and returns it without a slash at the end. */
export function baseUrlOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new TypeError('url must be the address of the broker, such as https://broker.example');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError('url must have no user, password, query or fragment');
  }
  return url.href.replace(/\/+$/, '');
}

/** `path` starts with a slash and is below the address of the broker. */
export function requestUrl(baseUrl: string, path: string, query: Query = {}): string {
  if (!path.startsWith('/')) throw new TypeError('path must start with /');
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? `${baseUrl}${path}` : `${baseUrl}${path}?${text}`;
}
