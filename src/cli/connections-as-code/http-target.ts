import { setTimeout as sleep } from 'node:timers/promises';
import { TokenBrokerError } from '../../client/errors.ts';
import { pathOf } from '../../client/transport/request-url.ts';
import type { ChangePreview, ConnectionList } from '../../client/types/connection.ts';
import type { Call, ConnectionsTarget, Refusal } from '../../connections-file/target.ts';
import type { Api, ApiAnswer, ApiCall } from '../api.ts';
import { readPages } from '../read-pages.ts';

/** Statuses that say something about the call. Others, such as a wrong key or a lost server, end the command. */
const refusalStatuses: readonly number[] = [400, 404, 409, 412, 413, 415];

/** Waits for the rate limit of a key, one minute each. More of them mean that others use up the limit. */
const maxWaits = 30;

export interface HttpTargetOptions {
  api: Api;
  /** Told when the rate limit of the key stops the work for a while. */
  onWait?: (seconds: number) => void;
}

/** Reaches the connections of the scope that the key and the organisation of the command select. */
export function createHttpTarget({ api, onWait = () => {} }: HttpTargetOptions): ConnectionsTarget {
  async function call<Body>(request: ApiCall): Promise<ApiAnswer<Body>> {
    for (let waits = 0; ; waits++) {
      try {
        return await api.call<Body>(request);
      } catch (error) {
        // The broker counts before it works: a call that met the limit has done nothing.
        const seconds = error instanceof TokenBrokerError && error.status === 429 ? error.retryAfter : undefined;
        if (seconds === undefined || waits === maxWaits) throw error;
        onWait(seconds);
        await sleep(seconds * 1000);
      }
    }
  }
  return {
    async list() {
      const query = { include_global: false };
      const pages = readPages<ConnectionList>({ ...api, call }, { method: 'GET', path: '/connections', query });
      const found: ConnectionList['connections'] = [];
      for await (const { connections } of pages) found.push(...connections);
      return found;
    },

    preview: (change) =>
      orRefusal(async () => {
        const request = requestOf(change);
        const query = { dry_run: true };
        const { body: preview, headers } = await call<ChangePreview>({ ...request, query });
        return { preview, etag: headers.get('etag') };
      }),

    perform: (change, etag, isConfirmed) =>
      orRefusal(async () => {
        const headers = etag === null ? {} : { 'if-match': etag };
        await call({ ...requestOf(change), query: isConfirmed ? confirmationOf(change) : {}, headers });
        return { refusal: null };
      }),
  };
}

function requestOf(change: Call): ApiCall {
  if (change.action === 'create') return { method: 'POST', path: '/connections', body: change.body };
  const path = pathOf('connections', change.name);
  return change.action === 'change' ? { method: 'PUT', path, body: change.body } : { method: 'DELETE', path };
}

function confirmationOf({ action }: Call) {
  return action === 'delete' ? { confirm_disable_workflows: true } : { confirm_disconnect: true };
}

async function orRefusal<T>(work: () => Promise<T>): Promise<T | { refusal: Refusal }> {
  try {
    return await work();
  } catch (error) {
    // A response without a code is that of another server or of a proxy.
    const isRefusal = error instanceof TokenBrokerError && error.code !== 'unexpected_response';
    if (!isRefusal || !refusalStatuses.includes(error.status)) throw error;
    return { refusal: { code: error.code, message: error.message, errors: faultsOf(error.members.errors) } };
  }
}

function faultsOf(errors: unknown): Refusal['errors'] {
  if (!Array.isArray(errors)) return [];
  return errors.map(({ path, message }: { path?: unknown; message?: unknown }) => ({
    path: String(path),
    message: String(message),
  }));
}
