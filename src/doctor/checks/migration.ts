import { type Check, failed, ok, skipped } from '../check.ts';

/** Checks that the database has the tables of this version. */
export const migrationCheck: Check = {
  name: 'migration',
  async run({ service }) {
    if (service.state !== 'answers') return skipped('Not known: the service does not answer.');
    const { database, migrated, reason } = service.readiness;
    if (!database) return skipped('Not known: the database does not answer.');
    if (migrated) return ok('The database has the tables of this version.');
    return failed(
      reason ?? 'The tables of this version are missing.',
      'Run the command migrate of this version: node src/launch.js migrate, or the migrate service of the containers.',
    );
  },
};
