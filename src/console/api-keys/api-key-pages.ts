import { z } from 'zod';
import type { CreateApiKey } from '../../broker/callers/create-api-key.ts';
import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import type { RevokeApiKey } from '../../broker/callers/revoke-api-key.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { BrokerError, type Fault, isBrokerError } from '../../domain/errors.ts';
import { checked, optionalChoice, optionalText } from '../server/forms.ts';
import type { PageAnswer, Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { createdKeyPage } from './created-key-page.ts';
import { keyList, keysPath } from './key-list.ts';
import { keysBelow } from './key-tree.ts';
import { emptyKeyForm, type KeyForm, keyForm, readKeyForm } from './new-key-form.ts';
import { newKeyPage } from './new-key-page.ts';
import { revokePage } from './revoke-page.ts';

export interface ApiKeyUseCases {
  createApiKey: CreateApiKey;
  listApiKeys: ListApiKeys;
  revokeApiKey: RevokeApiKey;
}

const params = z.object({ id: z.string() });
const idPattern = /^[A-Za-z0-9_-]{1,100}$/;
const listQuery = z.object({ state: optionalChoice(['all']), done: optionalText });
const revokeForm = z.object({ cascade: checked });
const section = 'api-keys';

export function apiKeyPages(pages: Pages, useCases: ApiKeyUseCases): void {
  const { createApiKey, listApiKeys, revokeApiKey } = useCases;

  pages.mount(
    { method: 'GET', path: '/api-keys', access: accessOf.listApiKeys, query: listQuery },
    async (visit, { query: { state, done } }) => {
      const keys = await listApiKeys(visit.caller);
      return { title: 'API keys', section, body: keyList({ visit, keys, showsAll: state === 'all', done }) };
    },
  );

  pages.mount({ method: 'GET', path: '/api-keys/new', access: accessOf.createApiKey }, async (visit) => ({
    title: 'New API key',
    section,
    body: newKeyPage({ visit, form: emptyKeyForm }),
  }));

  // The answer to the form is the page with the key: a page of its own would need the key in an address or in a store.
  pages.mount(
    { method: 'POST', path: '/api-keys', access: accessOf.createApiKey, form: keyForm },
    async (visit, { form }) => {
      const read = readKeyForm(form);
      if ('faults' in read) return formAgain(visit, form, read.faults);
      try {
        const created = await createApiKey(visit.caller, read.key, visit.trace);
        return { title: 'Key made', section, body: createdKeyPage(visit, created, read.key) };
      } catch (error) {
        if (isBrokerError(error, 'invalid_request')) return formAgain(visit, form, fieldFaults(error));
        if (isBrokerError(error, 'forbidden')) {
          return { ...formAgain(visit, form, [{ path: 'form', message: error.message }]), status: 403 };
        }
        throw error;
      }
    },
  );

  pages.mount(
    { method: 'GET', path: '/api-keys/{id}/revoke', access: accessOf.listApiKeys, params },
    async (visit, { params: { id } }) => {
      const keys = await listApiKeys(visit.caller);
      const key = keys.find((each) => each.id === id && each.revokedAt === null);
      if (key === undefined) throw BrokerError.of('not_found', 'There is no such key.');
      return {
        title: `Revoke ${key.name}`,
        section,
        body: revokePage(visit, key, keysBelow(key, keys, visit.now)),
      };
    },
  );

  pages.mount(
    { method: 'POST', path: '/api-keys/{id}/revoke', access: accessOf.revokeApiKey, params, form: revokeForm },
    async (visit, { params: { id }, form: { cascade } }) => {
      if (!idPattern.test(id)) throw BrokerError.of('not_found', 'There is no such key.');
      await revokeApiKey(visit.caller, id, { cascade }, visit.trace);
      return { seeOther: `${keysPath}?done=revoked` };
    },
  );
}

function formAgain(visit: Visit, form: KeyForm, faults: readonly Fault[]): PageAnswer {
  return { title: 'New API key', section, status: 400, body: newKeyPage({ visit, form, faults }) };
}

/** The use case names a field of the API, which the form calls by another name. */
function fieldFaults({ details }: BrokerError<'invalid_request'>): Fault[] {
  return details.errors.map(({ path, message }) => ({ path: path === 'expires_at' ? 'expires_on' : path, message }));
}
