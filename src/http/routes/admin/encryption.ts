import type { FastifyInstance } from 'fastify';
import type { ReadEncryption } from '../../../broker/keys/read-encryption.ts';
import type { RetireDataKey } from '../../../broker/keys/retire-data-key.ts';
import type { RotateKeys } from '../../../broker/keys/rotate-keys.ts';
import * as routes from '../../contract/admin/encryption.ts';
import { mount } from '../../mount.ts';
import { fromEncryption, fromRotation } from '../../schemas/admin/encryption.ts';

export interface EncryptionUseCases {
  readEncryption: ReadEncryption;
  rotateKeys: RotateKeys;
  retireDataKey: RetireDataKey;
}

export function encryptionRoutes(app: FastifyInstance, useCases: EncryptionUseCases): void {
  mount(app, routes.readEncryption, async () => fromEncryption(await useCases.readEncryption()));

  mount(app, routes.rotateKeys, async ({ caller, body, trace }) => {
    const { rotation, isNew } = await useCases.rotateKeys(caller.id, { makesDataKey: body.data_key }, trace);
    // No process has reported yet that it holds the new key.
    return { is_new: isNew, rotation: fromRotation(rotation, []) };
  });

  mount(app, routes.retireDataKey, async ({ caller, params, query, trace }) => {
    await useCases.retireDataKey(caller, params.id, { abandonsEnded: query.abandon_ended }, trace);
  });
}
