import { z } from 'zod';
import type { ConfirmKeyBackup } from '../../broker/keys/confirm-key-backup.ts';
import type { ReadEncryption } from '../../broker/keys/read-encryption.ts';
import type { RetireDataKey } from '../../broker/keys/retire-data-key.ts';
import type { RotateKeys } from '../../broker/keys/rotate-keys.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { BrokerError, isBrokerError } from '../../domain/errors.ts';
import { checked, optionalText } from '../server/forms.ts';
import type { PageAnswer, Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { encryptionPage, encryptionPath } from './encryption-page.ts';
import { retirePage } from './retire-page.ts';

export interface EncryptionUseCases {
  readEncryption: ReadEncryption;
  rotateKeys: RotateKeys;
  retireDataKey: RetireDataKey;
  confirmKeyBackup: ConfirmKeyBackup;
}

const query = z.object({ done: optionalText });
const params = z.object({ id: z.string().max(512) });
const rotateForm = z.object({ data_key: z.enum(['true', 'false']) });
const retireForm = z.object({ abandon_ended: checked });
const section = 'encryption';

export function encryptionPages(pages: Pages, useCases: EncryptionUseCases): void {
  const { readEncryption, rotateKeys, confirmKeyBackup, retireDataKey } = useCases;

  pages.mount(
    { method: 'GET', path: '/encryption', access: accessOf.readEncryption, query },
    async (visit, { query: { done } }) => ({
      title: 'Encryption',
      section,
      body: encryptionPage(visit, await readEncryption(), done),
    }),
  );

  pages.mount(
    { method: 'POST', path: '/encryption/rotate', access: accessOf.rotateKeys, form: rotateForm },
    async ({ caller, trace }, { form }) => {
      const { isNew } = await rotateKeys(caller.id, { makesDataKey: form.data_key === 'true' }, trace);
      return { seeOther: `${encryptionPath}?done=${isNew ? 'started' : 'active'}` };
    },
  );

  pages.mount(
    { method: 'POST', path: '/encryption/keys/{id}/backup', access: accessOf.rotateKeys, params },
    async ({ caller, trace }, { params: { id } }) => {
      await confirmKeyBackup(caller, id, trace);
      return { seeOther: `${encryptionPath}?done=confirmed` };
    },
  );

  pages.mount(
    { method: 'GET', path: '/encryption/data-keys/{id}/retire', access: accessOf.readEncryption, params },
    (visit, { params: { id } }) => retireAnswer(readEncryption, visit, id),
  );

  pages.mount(
    {
      method: 'POST',
      path: '/encryption/data-keys/{id}/retire',
      access: accessOf.retireDataKey,
      params,
      form: retireForm,
    },
    async (visit, { params: { id }, form }) => {
      try {
        await retireDataKey(visit.caller, id, { abandonsEnded: form.abandon_ended }, visit.trace);
        return { seeOther: `${encryptionPath}?done=retired` };
      } catch (error) {
        // The page shows the keys, so it needs the right to read them.
        if (!isBrokerError(error, 'data_key_in_use') || !visit.may(accessOf.readEncryption)) throw error;
        return { ...(await retireAnswer(readEncryption, visit, id, error)), status: 409 };
      }
    },
  );
}

async function retireAnswer(
  readEncryption: ReadEncryption,
  visit: Visit,
  id: string,
  refusal: BrokerError<'data_key_in_use'> | null = null,
): Promise<PageAnswer> {
  const key = (await readEncryption()).dataKeys.find((each) => each.id === id);
  if (key === undefined) throw BrokerError.of('not_found', 'There is no such data key.');
  return { title: 'Remove a data key', section, body: retirePage(visit, key, refusal) };
}
