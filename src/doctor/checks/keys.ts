import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import type { Ground } from '../ground.ts';

/** Members of GET /admin/encryption that the checks read. */
export interface Encryption {
  encryption_key_id: string;
  /** `backup_confirmed_at`: time at which a person confirmed a copy; null if it was not confirmed. */
  encryption_keys: { id: string; is_held: boolean; data_keys: number; backup_confirmed_at: string | null }[];
  processes: {
    id: string;
    host: string;
    is_live: boolean;
    encryption_key_ids: string[];
    unsaved_data_key_ids: string[];
  }[];
  rotation: { unreadable: number } | null;
}

const give =
  'Give every process all keys that stored data needs in ENCRYPTION_KEYS. A lost key comes from a backup only.';

/** Checks that the encryption keys open what is stored, in every process. */
export const keysCheck: Check = {
  name: 'encryption keys',
  async run(ground) {
    const { service, startFailures } = ground;
    if (service.state !== 'answers') {
      const failure = startFailures.find(({ isAboutKeys }) => isAboutKeys);
      return failure === undefined ? skipped('Not known: the service does not answer.') : failed(failure.message, give);
    }
    const { database, migrated, key_proven: isProven, reason } = service.readiness;
    if (!database || !migrated) return skipped('Not known: the service waits for its database.');
    if (!isProven) return failed(reason ?? 'The service has not proven its encryption keys.', give);
    return inEveryProcess(ground);
  },
};

async function inEveryProcess(ground: Ground): Promise<Finding> {
  const reply = await ground.read<Encryption>('/admin/encryption');
  if (!reply.isRead) return skipped(`The keys open what this process has read. ${reply.found}`, reply.next);
  const { encryption_keys: keys, processes, rotation } = reply.body;
  const needed = keys.filter(({ data_keys: dataKeys }) => dataKeys > 0).map(({ id }) => id);
  for (const { host, is_live: isLive, encryption_key_ids: held } of processes) {
    const missing = needed.filter((id) => !held.includes(id));
    if (isLive && missing.length > 0) return failed(`A process on ${host} lacks the key ${missing.join(', ')}.`, give);
  }
  if (rotation !== null && rotation.unreadable > 0) {
    return warning(
      `${rotation.unreadable} stored secrets do not open. The log of the worker names their rows.`,
      'Restore these rows, or let their owners authorize again.',
    );
  }
  return ok(`The keys (${needed.join(', ')}) open what is stored, in every process.`);
}
