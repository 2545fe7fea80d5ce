import { type ApiResponse, createApi, type ResponseBody } from '../../test/support/http/broker-api.ts';
import { abbreviate, type Narrator } from './narrator.ts';

export interface NarratedCall {
  body?: Record<string, unknown>;
  organization?: string;
  /** Expected status, 200 by default. Any other status ends the demo. */
  status?: number;
  /** Members of the response to show; all by default. */
  show?: readonly string[];
}

export type NarratedApi = ReturnType<typeof createNarratedApi>;

/** A result that the demo did not expect. */
export class UnexpectedResult extends Error {
  override readonly name = 'UnexpectedResult';
}

export function check(condition: boolean, failure: string): void {
  if (!condition) throw new UnexpectedResult(failure);
}

/** Members that are never shown in full. */
const abbreviated = new Set(['access_token', 'state', 'authorization_url']);
/** Shell variables that replace secrets in the printed curl commands. */
const variables: Record<string, string> = { client_secret: 'CLIENT_SECRET', rejected_token: 'REJECTED_TOKEN' };

/** Calls the broker and prints the equivalent curl command. Secrets appear as shell variables. */
export function createNarratedApi(url: string, key: string, narrator: Narrator) {
  const api = createApi(url, key);

  async function call(method: string, path: string, options: NarratedCall = {}): Promise<ResponseBody> {
    const { body, organization, status = 200, show } = options;
    narrator.command(curl(method, path, body, organization));
    const response = await api.call(method, path, { body, organization });
    const isExpected = response.status === status;
    check(isExpected, `${method} ${redactPath(path)} responded with ${describe(response)} instead of ${status}`);
    narrator.response(`${response.status} ${preview(response.body, show)}`);
    return response.body;
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

/** Writes JSON for a single-quoted shell string. The quotes are closed and reopened around each variable. */
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

function preview(body: ResponseBody, show: readonly string[] | undefined): string {
  const members = Object.entries(body).filter(([name]) => show === undefined || show.includes(name));
  const safe = members.map(([name, value]) => [name, abbreviated.has(name) ? short(value) : value]);
  // One line for each member, however long.
  const lines = safe.map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${lines.join(',\n')}\n}`;
}

function short(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const cut = value.lastIndexOf('/') + 1;
  return value.slice(0, cut) + abbreviate(value.slice(cut));
}

function describe({ status, body }: ApiResponse): string {
  const { code, detail } = body as { code?: string; detail?: string };
  return [status, code, detail].filter((part) => part !== undefined).join(' ');
}
