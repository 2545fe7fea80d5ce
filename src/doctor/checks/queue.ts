import { type Check, type Finding, failed, ok, skipped } from '../check.ts';
import type { Ground } from '../ground.ts';
import { placeOf } from '../place.ts';

const redisPort = 6379;

/** Reasons of `queue_failure` of GET /health, with the cure. */
const cures: Readonly<Record<string, string>> = {
  unreachable: 'Start Redis, or correct REDIS_URL. Without REDIS_URL the queue is in the database.',
  out_of_memory: 'Give Redis more memory, and set maxmemory-policy noeviction.',
  read_only: 'Name the primary in REDIS_URL: this server is a replica.',
  no_permission: 'Grant the user of REDIS_URL its rights; the log of the service names them.',
  authentication: 'Correct user and password in REDIS_URL.',
  snapshot_failed: 'Free the disk of Redis, or switch its snapshots off: it takes no writes since one failed.',
  disk_full: 'Free the disk of the server that holds the queue.',
  starting: 'Wait until the server has loaded its data.',
  busy: 'End the script that blocks Redis.',
  cluster: 'Name a server without cluster mode in REDIS_URL.',
};

/** Checks that the queue takes jobs. Without it credentials are served, and sweeps stop. */
export const queueCheck: Check = {
  name: 'queue',
  async run(ground) {
    const { service } = ground;
    if (service.state !== 'answers') return fromHere(ground);
    const { queue, queue_failure: failure } = service.health;
    if (queue === 'ok') return ok('The queue takes jobs.');
    if (service.health.database !== 'ok' || !service.readiness.migrated) {
      return skipped('Not known: the service waits for its database.');
    }
    const reason = failure ?? 'unreachable';
    return failed(`The queue takes no jobs (${reason}).`, cures[reason] ?? 'Read the log of the service.');
  },
};

async function fromHere({ machine }: Ground): Promise<Finding> {
  const setting = machine?.setting('REDIS_URL');
  const place = setting && placeOf(setting.value, { 'redis:': redisPort, 'rediss:': redisPort });
  if (machine === null || place === undefined) return skipped('Not known: the service does not answer.');
  const fault = await machine.connectionFault(place);
  const at = `${place.host}:${place.port}`;
  return fault === undefined
    ? ok(`The server of REDIS_URL accepts connections at ${at}.`)
    : failed(`The server of REDIS_URL at ${at}: ${fault}.`, 'Start Redis, or correct REDIS_URL.');
}
