import { CommandFailure, exitCodes } from '../../../exit-codes.ts';
import { listOf, recordOf, textOf } from '../values.ts';

/** Refusal of one request by Nango. The message holds no text of the response, which may quote a secret. */
export class NangoRefusal extends Error {
  readonly status: number;

  constructor(status: number, code: string | undefined) {
    super(code === undefined ? `Nango answered ${status}` : `Nango answered ${status} ${code}`);
    this.status = status;
  }
}

export interface NangoSettings {
  url: string;
  key: string;
  /** Waits; tests replace it. */
  sleep: (milliseconds: number) => Promise<void>;
}

type Json = Readonly<Record<string, unknown>>;

export interface NangoApi {
  integrations(): Promise<Json[]>;
  /** With client id, client secret and scopes. */
  integration(key: string): Promise<Json>;
  provider(name: string): Promise<Json>;
  /** All connections without credentials, page by page. */
  connections(): AsyncGenerator<Json>;
  /** With credentials. Nango refreshes an expired access token before it answers. */
  connection(id: string, integrationKey: string): Promise<Json>;
}

const pageSize = 200;
/** Milliseconds for one request: Nango may wait for the provider. */
const timeoutMs = 60_000;
/** Attempts of one request after network errors and answers of a gateway. */
const attempts = 4;
/** Rate limits in a row after which the walk ends, and their longest wait in seconds. */
const maxWaits = 20;
const maxWaitSeconds = 120;
const gatewayStatuses = [502, 503, 504];

export function createNangoApi({ url, key, sleep }: NangoSettings): NangoApi {
  const base = url.replace(/\/+$/, '');

  async function request(path: string, query: Readonly<Record<string, string>>): Promise<Response> {
    const parameters = new URLSearchParams(query).toString();
    const address = `${base}${path}${parameters === '' ? '' : `?${parameters}`}`;
    for (let failures = 0, waits = 0; ; ) {
      const response = await fetchOnce(address, key);
      if (response?.status === 429 && waits < maxWaits) {
        waits++;
        await response.body?.cancel();
        await sleep(waitMsOf(response));
        continue;
      }
      if (response !== undefined && !gatewayStatuses.includes(response.status)) return response;
      await response?.body?.cancel();
      if (++failures >= attempts) {
        const next = 'Run the same command again: what is stored is then unchanged.';
        throw new CommandFailure(`Nango at ${base} does not answer.`, exitCodes.tryLater, next);
      }
      await sleep(1000 * 2 ** (failures - 1));
    }
  }

  async function get(path: string, query: Readonly<Record<string, string>> = {}): Promise<Json> {
    const response = await request(path, query);
    const body = recordOf(await response.json().catch(() => undefined));
    if (response.ok) return body;
    if (response.status === 401 || response.status === 403) throw noPermission(path);
    throw new NangoRefusal(response.status, codeOf(body));
  }

  async function page(number: number): Promise<Json[]> {
    const body = await get('/connections', { limit: String(pageSize), page: String(number) });
    return listOf(body.connections).map(recordOf);
  }

  return {
    integrations: async () => listOf((await get('/integrations')).data).map(recordOf),
    integration: async (name) =>
      recordOf((await get(`/integrations/${encodeURIComponent(name)}`, { include: 'credentials' })).data),
    provider: async (name) => recordOf((await get(`/providers/${encodeURIComponent(name)}`)).data),
    async *connections() {
      const seen = new Set<unknown>();
      for (let number = 0; ; number++) {
        const found = await page(number).catch((error: unknown) => allAtOnce(error, number));
        const fresh = found.filter(({ id }) => !seen.has(id));
        for (const { id } of fresh) seen.add(id);
        yield* fresh;
        // A version without pages returns everything each time.
        if (fresh.length === 0 || found.length !== pageSize) return;
      }
    },
    connection: (id, integrationKey) =>
      get(`/connections/${encodeURIComponent(id)}`, { provider_config_key: integrationKey, refresh_token: 'true' }),
  };

  /** Earlier versions refuse the parameters of pages, and return up to 10,000 connections. */
  async function allAtOnce(error: unknown, number: number): Promise<Json[]> {
    if (number > 0 || !(error instanceof NangoRefusal) || error.status !== 400) throw error;
    return listOf((await get('/connections')).connections).map(recordOf);
  }
}

/** Resolves to undefined after a network error. A redirect is no answer: the key goes to the named address only. */
async function fetchOnce(address: string, key: string): Promise<Response | undefined> {
  const headers = { authorization: `Bearer ${key}`, accept: 'application/json' };
  try {
    return await fetch(address, { headers, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  } catch {
    return undefined;
  }
}

function waitMsOf(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? 5);
  return 1000 * Math.min(maxWaitSeconds, Number.isFinite(seconds) && seconds >= 0 ? seconds : 5);
}

/** Only a code in the usual form: other text may come from a provider. */
function codeOf(body: Json): string | undefined {
  const code = textOf(recordOf(body.error).code);
  return code !== undefined && /^[a-z0-9_]{1,60}$/.test(code) ? code : undefined;
}

function noPermission(path: string): CommandFailure {
  return new CommandFailure(
    `Nango refuses the key for ${path.split('/')[1]}.`,
    exitCodes.permission,
    'The key needs environment:integrations:list and read_credentials, environment:connections:list and read_credentials.',
  );
}
