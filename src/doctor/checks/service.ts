import { type Check, type Finding, failed, ok } from '../check.ts';
import type { Ground } from '../ground.ts';

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
    const when = ground.ago(failedAt);
    return failed(`${found} Its last start with ROLE=${role}, ${when}, ended: ${message}`, 'Do what the message says.');
  }
  const holder = ground.machine?.dataDirectory?.holder();
  if (holder !== undefined) {
    return failed(
      `${found} Process ${holder} holds the data directory.`,
      'Correct --url, or stop that process and start anew.',
    );
  }
  return failed(found, ground.isLocal ? start : `Correct --url, or look on its machine. ${start}`);
}
