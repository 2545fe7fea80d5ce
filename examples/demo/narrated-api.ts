import { type AnswerBody, type ApiAnswer, createApi } from '../../test/support/broker-api.ts';
import { abbreviate, type Narrator } from './narrator.ts';

export interface NarratedCall {
  body?: Record<string, unknown>;
  organization?: string;
  /** The status the demo counts on; any other ends it. */
  status?: number;
  /** Members of the answer worth showing; all of them where it is left out. */
  show?: readonly string[];
}

export type NarratedApi = ReturnType<typeof createNarratedApi>;

/** Something happened that the demo did not count on. */
export class Surprise extends Error {
  override readonly name = 'Surprise';
}

export function check(condition: boolean, otherwise: string): void {
  if (!condition) throw new Surprise(otherwise);
}

/** Members never shown in full, and how the printed curl names what is secret in a body. */
const abbreviated = new Set(['access_token', 'state', 'authorization_url']);
const variables: Record<string, string> = { client_secret: 'CLIENT_SECRET', rejected_token: 'REJECTED_TOKEN' };

/** Calls the broker, and prints the curl that does the same. Secrets appear as shell variables. */
export function createNarratedApi(url: string, key: string, narrator: Narrator) {
  const api = createApi(url, key);

  async function call(method: string, path: string, options: NarratedCall = {}): Promise<AnswerBody> {
    const { body, organization, status = 200, show } = options;
    narrator.command(curl(method, path, body, organization));
    const answer = await api.call(method, path, { body, organization });
    check(answer.status === status, `${method} ${redactPath(path)} answered ${describe(answer)} instead of ${status}`);
    narrator.answer(`${answer.status} ${preview(answer.body, show)}`);
    return answer.body;
  }

  return {
    get: (path: string, options?: NarratedCall) => call('GET', path, options),
    post: (path: string, body: Record<string, unknown> | undefined, options?: NarratedCall) =>
      call('POST', path, { ...options, ...(body === undefined ? {} : { body }) }),
  };
}

function curl(method: string, path: string, body: Record<string, unknown> | undefined, organization?: string): string {
  const parts = ['curl -s'];
  if (method !== 'GET') parts.push(`-X ${method}`);
  parts.push(`"$BROKER${redactPath(path)}"`, '-H "Authorization: Bearer $ADMIN_KEY"');
  if (organization !== undefined) parts.push(`-H "X-Organization-Id: ${organization}"`);
  if (body !== undefined) parts.push(`-H "Content-Type: application/json" -d '${shellJson(body)}'`);
  return parts.join(' ');
}

/** JSON for single quotes, which are left for a moment around each variable. */
function shellJson(body: Record<string, unknown>): string {
  const quoted = Object.entries(body).map(([name, value]) => {
    const variable = variables[name];
    return `${JSON.stringify(name)}:${variable === undefined ? JSON.stringify(value) : `"'"$${variable}"'"`}`;
  });
  return `{${quoted.join(',')}}`;
}

function redactPath(path: string): string {
  return path.replace(/^\/authorizations\/.+$/, '/authorizations/$STATE');
}

function preview(body: AnswerBody, show: readonly string[] | undefined): string {
  const members = Object.entries(body).filter(([name]) => show === undefined || show.includes(name));
  const safe = members.map(([name, value]) => [name, abbreviated.has(name) ? short(value) : value]);
  // One member a line, whatever it holds.
  const lines = safe.map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${lines.join(',\n')}\n}`;
}

function short(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const cut = value.lastIndexOf('/') + 1;
  return value.slice(0, cut) + abbreviate(value.slice(cut));
}

function describe({ status, body }: ApiAnswer): string {
  const { code, detail } = body as { code?: string; detail?: string };
  return [status, code, detail].filter((part) => part !== undefined).join(' ');
}
