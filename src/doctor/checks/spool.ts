import { type Check, type Finding, failed, ok, skipped } from '../check.ts';
import type { Ground } from '../ground.ts';
import type { Encryption } from './keys.ts';

const keep =
  'Keep DATA_DIR: it holds the only copy. The service stores them when the database takes writes; if they stay, read its log.';

/** Checks that no tokens wait on a disk for the database. */
export const spoolCheck: Check = {
  name: 'spool',
  async run(ground) {
    const { service } = ground;
    if (service.state !== 'answers') return onThisDisk(ground);
    const { unsaved_tokens: unsaved } = service.health;
    if (unsaved === null) {
      return failed(
        'The service cannot read its spool in DATA_DIR.',
        'Give the user of the service DATA_DIR, mode 0700.',
      );
    }
    if (unsaved > 0) return failed(`${unsaved} token sets wait on the disk of the service.`, keep);
    return ofOtherProcesses(ground);
  },
};

async function ofOtherProcesses(ground: Ground): Promise<Finding> {
  const reply = await ground.read<Encryption>('/admin/encryption');
  const left = reply.isRead ? reply.body.processes.filter(({ unsaved_data_key_ids: ids }) => ids.length > 0) : [];
  if (left.length === 0) return ok('No token waits for the database.');
  const hosts = [...new Set(left.map(({ host }) => host))].join(', ');
  return failed(`Tokens wait in the data directories of processes on ${hosts}.`, keep);
}

function onThisDisk({ machine }: Ground): Finding {
  const waiting = machine?.dataDirectory?.waitingTokens();
  if (waiting === undefined) return skipped('Not known: the service does not answer.');
  const { folder, count } = waiting;
  return count === 0 ? ok('No token waits on this disk.') : failed(`${count} token sets wait in ${folder}.`, keep);
}
