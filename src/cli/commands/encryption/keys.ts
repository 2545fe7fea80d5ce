import { pathOf } from '../../../client/transport/request-url.ts';
import type { CommandContext } from '../../context.ts';
import { relativeTime } from '../../output/relative-time.ts';

interface Encryption {
  encryption_key_id: string;
  encryption_keys: { id: string; is_held: boolean; data_keys: number }[];
  data_keys: { id: string; state: string; encryption_key_id: string; seals: number; created_at: string }[];
  rotation: Record<string, unknown> | null;
}

export async function keyStatus(context: CommandContext): Promise<void> {
  const { output } = context;
  const api = await context.api();
  const { body } = await api.call<Encryption>({ method: 'GET', path: '/admin/encryption' });
  if (output.format !== 'people') return output.document(body, []);
  await output.list<Encryption['encryption_keys'][number]>({
    name: 'encryption keys',
    items: body.encryption_keys,
    columns: [
      { title: 'ENCRYPTION KEY', text: ({ id }) => id },
      { title: 'FIRST', text: ({ id }) => id === body.encryption_key_id },
      { title: 'HELD', text: ({ is_held: isHeld }) => isHeld },
      { title: 'DATA KEYS', text: ({ data_keys: count }) => count },
    ],
  });
  await output.list<Encryption['data_keys'][number]>({
    name: 'data keys',
    items: body.data_keys,
    columns: [
      { title: 'DATA KEY', text: ({ id }) => id },
      { title: 'STATE', text: ({ state }) => state },
      { title: 'ENCRYPTION KEY', text: ({ encryption_key_id: id }) => id },
      { title: 'SEALS', text: ({ seals }) => seals },
      { title: 'CREATED', text: ({ created_at: at }) => relativeTime(at) },
    ],
  });
  output.say(rotationText(body.rotation));
}

/** The API adds members to a rotation; a person reads them as they are. */
function rotationText(rotation: Record<string, unknown> | null): string {
  if (rotation === null) return 'No rotation has run.';
  const facts = Object.entries(rotation).filter(([, value]) => value !== null);
  return `Rotation: ${facts.map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ')}`;
}

export async function rotateKeys(context: CommandContext, { dataKey }: { dataKey?: boolean }): Promise<void> {
  const { output } = context;
  const api = await context.api();
  const call = { method: 'POST', path: '/admin/encryption/rotate', body: { data_key: dataKey } } as const;
  const { body } = await api.call<{ is_new: boolean; rotation: Record<string, unknown> }>(call);
  if (output.format !== 'people') return output.document(body, []);
  output.say(body.is_new ? 'A rotation has started.' : 'A rotation is running already.');
  output.say(rotationText(body.rotation));
}

export async function retireDataKey(
  { api, output, prompts }: CommandContext,
  id: string,
  { abandonEnded }: { abandonEnded?: boolean },
): Promise<void> {
  const connected = await api();
  if (abandonEnded) output.say(`The tokens of ended grants under ${id} can never be opened again.`);
  await prompts.confirmName(id, `Type ${id} to remove the data key`);
  const query = { abandon_ended: abandonEnded === true };
  await connected.call({ method: 'DELETE', path: pathOf('admin', 'encryption', 'data-keys', id), query });
  output.say('Retired.');
}
