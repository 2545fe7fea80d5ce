import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { callerIdOf } from '../../domain/callers/api-key.ts';
import type { Markup } from '../../markup/html.ts';
import { callerWords } from '../layout/event-words.ts';
import { isolated } from '../layout/owner.ts';
import type { Visit } from '../server/visit.ts';

/** Names of API keys by their id as a caller, as far as the visitor may list them. */
export type ActorNames = ReadonlyMap<string, string>;

export async function readActorNames(listApiKeys: ListApiKeys, { caller, may }: Visit): Promise<ActorNames> {
  const keys = may(accessOf.listApiKeys) ? await listApiKeys(caller) : [];
  return new Map(keys.map(({ id, name }): [string, string] => [callerIdOf(id), name]));
}

/** Name of a caller: that of its key if it is known. */
export function actorName(actor: string, names: ActorNames): Markup {
  return isolated(names.get(actor) ?? callerWords(actor));
}
