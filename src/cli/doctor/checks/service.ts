import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { relativeTime } from '../../output/relative-time.ts';
import { type Check, type Finding, failed, ok } from '../check.ts';
import type { Ground } from '../ground.ts';
import { membersOf } from '../probes/request.ts';

const start = 'Start the service, and read the last line that it prints.';

/** Checks that the service answers. Otherwise finds the reason of its last failed start. */
export const serviceCheck: Check = {
  name: 'service',
  async run(ground) {
    const { service, url } = ground;
    if (service.state === 'silent') return silent(ground, service.reason);
    if (service.state === 'stranger') {
      return failed(
        `What answers at ${url} is not a token-broker (status ${service.status}).`,
        'Correct --url or TOKEN_BROKER_URL; BASE_PATH belongs to it.',
      );
    }
    return ok(`token-broker ${service.health.version} answers at ${url}.`);
  },
};

function silent(ground: Ground, reason: string): Finding {
  const { url, startFailures } = ground;
  const found = `The service does not answer at ${url}: ${reason}.`;
  const [last] = startFailures;
  if (last !== undefined) {
    const { failedAt, role, message } = last;
    const when = relativeTime(failedAt);
    return failed(`${found} Its last start with ROLE=${role}, ${when}, ended: ${message}`, 'Do what the message says.');
  }
  const holder = holderOf(ground);
  if (holder !== undefined) {
    return failed(
      `${found} ${holder} holds the data directory.`,
      'Correct --url, or stop that process and start anew.',
    );
  }
  return failed(found, ground.isLocal ? start : `Correct --url, or look on its machine. ${start}`);
}

/** Describes the process that holds the lock of the embedded database, if it lives on this machine. */
function holderOf({ dataDirectory }: Ground): string | undefined {
  if (dataDirectory === null) return undefined;
  try {
    const { pid } = membersOf(readFileSync(join(dataDirectory.path, 'broker.lock'), 'utf8'));
    if (typeof pid !== 'number') return undefined;
    // Signal 0 only asks whether the process exists.
    process.kill(pid, 0);
    return `Process ${pid}`;
  } catch {
    return undefined;
  }
}
