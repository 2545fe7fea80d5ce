import type { Access, Reply, Service, Stats } from '../../../doctor/ground.ts';
import type { Api } from '../../api.ts';
import type { CommandContext } from '../../context.ts';
import { CommandFailure } from '../../exit-codes.ts';

export interface Reader {
  access: Access;
  read<Body>(path: string, query?: Readonly<Record<string, string | number>>): Promise<Reply<Body>>;
}

const notServing = 'The service does not serve requests with a key yet.';
const otherKey = 'Log in with another key, or give --key-file.';
const widerKey = 'Use a key with admin:read, all organisations and the global scope.';

/** Tries the key on the statistics, which need admin:read and nothing else. */
export async function openReader(context: Pick<CommandContext, 'api'>, service: Service): Promise<Reader> {
  const api = await apiOf(context, service);
  if ('state' in api) return { access: api, read: async () => unread(api) };
  const access = await tryKey(api);
  if (access.state !== 'accepted') return { access, read: async () => unread(access) };
  const known = new Map<string, Promise<Reply<unknown>>>();
  return {
    access,
    read<Body>(path: string, query: Readonly<Record<string, string | number>> = {}) {
      const name = `${path} ${JSON.stringify(query)}`;
      const reply = known.get(name) ?? readRoute(api, path, query);
      known.set(name, reply);
      return reply as Promise<Reply<Body>>;
    },
  };
}

async function apiOf(context: Pick<CommandContext, 'api'>, service: Service): Promise<Api | Access> {
  if (service.state !== 'answers') return { state: 'unknown', found: 'The service does not answer.' };
  const { database, migrated, key_proven: hasKeys } = service.readiness;
  // Its answer would be 503 with Retry-After, for which the client waits.
  if (!database || !migrated || !hasKeys) return { state: 'unknown', found: notServing };
  try {
    return await context.api();
  } catch (error) {
    if (error instanceof CommandFailure) {
      return { state: 'absent', found: error.message, next: error.next ?? 'Give --key-file.' };
    }
    // The client refuses a text that can be no key, such as one with a line break.
    if (error instanceof TypeError) return { state: 'refused', found: `The ${error.message}.`, next: otherKey };
    throw error;
  }
}

async function tryKey(api: Api): Promise<Access> {
  try {
    const { body } = await api.call<Stats>({ method: 'GET', path: '/admin/stats' });
    return { state: 'accepted', stats: body };
  } catch (error) {
    const message = messageOf(error);
    const status = statusOf(error);
    if (status === 401) return { state: 'refused', found: message, next: otherKey };
    if (status === 403) return { state: 'refused', found: message, next: widerKey };
    if (status === 404) return { state: 'unknown', found: 'This process serves health routes only: it is a worker.' };
    return { state: 'unknown', found: message };
  }
}

async function readRoute(
  api: Api,
  path: string,
  query: Readonly<Record<string, string | number>>,
): Promise<Reply<unknown>> {
  try {
    return { isRead: true, body: (await api.call({ method: 'GET', path, query })).body };
  } catch (error) {
    return { isRead: false, found: messageOf(error), next: statusOf(error) === 403 ? widerKey : null };
  }
}

function unread(access: Access): { isRead: false; found: string; next: string | null } {
  const found = access.state === 'accepted' ? notServing : access.found;
  return { isRead: false, found, next: 'next' in access ? access.next : null };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'The request failed.';
}

function statusOf(error: unknown): number {
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' ? status : 0;
}
