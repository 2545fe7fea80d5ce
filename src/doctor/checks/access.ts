import { type Check, failed, ok, skipped } from '../check.ts';

/** Checks that the service accepts the key, with the permission that other checks need. */
export const accessCheck: Check = {
  name: 'api key',
  async run({ access }) {
    if (access.state === 'accepted') return ok('The service accepts the key.');
    if (access.state === 'refused') return failed(access.found, access.next);
    return skipped(access.found, access.state === 'absent' ? access.next : null);
  },
};
