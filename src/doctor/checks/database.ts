import { type Check, type Finding, failed, ok, skipped } from '../check.ts';
import type { Ground } from '../ground.ts';
import { placeOf } from '../place.ts';

const postgresPort = 5432;

/** Checks that the service reaches its database. */
export const databaseCheck: Check = {
  name: 'database',
  async run(ground) {
    const { service } = ground;
    if (service.state !== 'answers') return fromHere(ground);
    const { health, readiness } = service;
    if (health.database === 'ok' && readiness.database) return ok('The database answers.');
    return failed(
      readiness.reason ?? 'The database does not answer the service.',
      'Check that the database runs and that DATABASE_URL leads to it. The service continues by itself.',
    );
  },
};

/** Without the service, only the connection can be tried. */
async function fromHere({ machine }: Ground): Promise<Finding> {
  const setting = machine?.setting('DATABASE_URL');
  if (machine === null || setting === undefined) return skipped('Not known: the service does not answer.');
  const place = placeOf(setting.value, { 'postgres:': postgresPort, 'postgresql:': postgresPort });
  if (place === undefined) return skipped('Not known: the service does not answer, and DATABASE_URL names no host.');
  const fault = await machine.connectionFault(place);
  const at = `${place.host}:${place.port}`;
  return fault === undefined
    ? ok(`The server of DATABASE_URL accepts connections at ${at}.`)
    : failed(`The server of DATABASE_URL at ${at}: ${fault}.`, 'Start the database, or correct DATABASE_URL.');
}
