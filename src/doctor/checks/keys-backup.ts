import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import type { Ground } from '../ground.ts';
import type { KeysCopy } from '../machine.ts';
import type { Encryption } from './keys.ts';

/** Compares a copy of the keys with the keys in use. Without a copy, a lost disk loses every token. */
export const keysBackupCheck: Check = {
  name: 'keys backup',
  async run({ machine, read }) {
    const keys = machine?.keys();
    const [entries, place] = [entriesOf(keys?.value ?? ''), keys?.place ?? 'ENCRYPTION_KEYS'];
    if (keys !== undefined && entries.every(({ isRemote }) => isRemote)) {
      return ok('Every key is in a key service, which keeps it.');
    }
    const copy = machine?.keysCopy();
    if (copy === undefined) {
      const command = machine === null ? 'token-broker doctor --keys-backup' : '--keys-backup';
      return (await confirmed(read)) ?? unknown(command, place);
    }
    if (keys === undefined) {
      return skipped('The keys of the service are not readable here.', 'Run it where the service runs, as its user.');
    }
    if (copy.isBesideOriginal) {
      return warning(`${copy.path} is beside the original.`, 'Keep the copy on another machine.');
    }
    return compare(entries, copy, place);
  },
};

/** Returns what administrators have confirmed in the console, if that holds for every key that stored data needs. */
async function confirmed(read: Ground['read']): Promise<Finding | undefined> {
  const reply = await read<Encryption>('/admin/encryption');
  if (!reply.isRead) return undefined;
  const needed = reply.body.encryption_keys.filter(({ data_keys: dataKeys }) => dataKeys > 0);
  const isComplete = needed.length > 0 && needed.every(({ backup_confirmed_at: at }) => at !== null);
  return isComplete ? ok(`A copy of every key (${needed.map(({ id }) => id).join(', ')}) was confirmed.`) : undefined;
}

function unknown(command: string, place: string): Finding {
  return skipped(
    'Whether a copy of the keys exists is not known.',
    `Copy ${place} to a place apart from the backup of the database, and compare it: ${command} FILE. Or confirm the copy in the console, at Encryption.`,
  );
}

interface Entry {
  id: string;
  text: string;
  isRemote: boolean;
}

/** Entries are `id:key`, or `id:source:location` for a key in a key service. */
function entriesOf(text: string): Entry[] {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [id = '', ...rest] = entry.split(':');
      return { id, text: rest.join(':').replace(/=+$/, ''), isRemote: rest.length > 1 };
    });
}

function compare(entries: readonly Entry[], { path, text }: KeysCopy, place: string): Finding {
  if (text === undefined) return failed(`The copy ${path} cannot be read.`, `Copy ${place} there again.`);
  const copies = new Map(entriesOf(text).map((copy) => [copy.id, copy.text]));
  const held = entries.filter(({ isRemote }) => !isRemote);
  const faults = held.flatMap((entry) => {
    const copy = copies.get(entry.id);
    if (copy === undefined) return [`lacks the key ${entry.id}`];
    return copy === entry.text ? [] : [`holds another key named ${entry.id}`];
  });
  if (faults.length > 0) return failed(`The copy ${path} ${faults.join(' and ')}.`, `Copy ${place} there again.`);
  return ok(`The copy ${path} holds every key (${held.map(({ id }) => id).join(', ')}).`);
}
