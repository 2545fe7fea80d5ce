import { setTimeout as sleep } from 'node:timers/promises';
import { pathOf } from '../../../client/transport/request-url.ts';
import type { AuthorizationProgress, StartedAuthorization } from '../../../client/types/authorization.ts';
import type { Api } from '../../api.ts';
import { exitCodeOf, exitCodes } from '../../exit-codes.ts';

/** A person notices a delay of more than a second. */
const intervalMs = 1000;

/** Waits until the person has finished or the link has ended. A broker that is out of reach for a while is asked again. */
export async function awaitAuthorization(api: Api, { state }: StartedAuthorization): Promise<AuthorizationProgress> {
  for (;;) {
    const progress = await readProgress(api, state);
    if (progress !== undefined && progress.status !== 'pending') return progress;
    await sleep(intervalMs);
  }
}

async function readProgress(api: Api, state: string): Promise<AuthorizationProgress | undefined> {
  try {
    return (await api.call<AuthorizationProgress>({ method: 'GET', path: pathOf('authorizations', state) })).body;
  } catch (error) {
    if (exitCodeOf(error) === exitCodes.tryLater) return undefined;
    throw error;
  }
}
