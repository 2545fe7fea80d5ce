import { z } from 'zod';
import { accessOf } from '../../../domain/callers/access.ts';
import { declare } from '../../declaration.ts';
import { encryption, retireQuery, startedRotation, wantedRotation } from '../../schemas/admin/encryption.ts';

const rotation = {
  id: '0198f2a6-7c1e-7000-8000-000000000000',
  state: 'resealing',
  encryption_key_id: 'k2',
  data_key_id: '0198f2a6-7c1e-7000-8000-000000000002',
  started_by: 'bootstrap',
  started_at: '2030-01-31T12:00:00.000Z',
  finished_at: null,
  waits_for: [],
  pass: 1,
  place: 'grants.sealed_tokens',
  examined: 48_000,
  resealed: 47_990,
  contended: 1,
  unreadable: 0,
} as const;

export const readEncryption = declare({
  operationId: 'readEncryption',
  tag: 'Administration',
  summary: 'Show the encryption keys and the progress of a rotation',
  description:
    'Shows which encryption key and data keys seal the stored secrets, which processes hold them, and the active or last rotation. Never shows a key. Needs every organisation and the global scope.',
  method: 'GET',
  path: '/admin/encryption',
  access: accessOf.readEncryption,
  responses: {
    200: {
      description: 'The keys.',
      schema: encryption,
      example: {
        encryption_key_id: 'k2',
        encryption_keys: [
          { id: 'k2', is_held: true, data_keys: 2, backup_confirmed_at: null },
          { id: 'k1', is_held: true, data_keys: 0, backup_confirmed_at: '2029-02-01T09:30:00.000Z' },
        ],
        data_keys: [
          {
            id: '0198f2a6-7c1e-7000-8000-000000000002',
            state: 'sealing',
            encryption_key_id: 'k2',
            seals: 48_120,
            created_at: '2030-01-31T12:00:00.000Z',
            sealed_until: null,
          },
          {
            id: '0198f2a6-7c1e-7000-8000-000000000001',
            state: 'opening',
            encryption_key_id: 'k2',
            seals: 9_004_312,
            created_at: '2029-01-31T12:00:00.000Z',
            sealed_until: '2030-01-31T12:00:04.000Z',
          },
        ],
        processes: [
          {
            id: '6c1f5f0e-2f4e-4a57-9d3c-0d6d6f1c2a11',
            host: 'broker-1',
            is_live: true,
            seen_at: '2030-01-31T12:01:00.000Z',
            encryption_key_ids: ['k2', 'k1'],
            data_key_ids: ['0198f2a6-7c1e-7000-8000-000000000002', '0198f2a6-7c1e-7000-8000-000000000001'],
            sealing_data_key_id: '0198f2a6-7c1e-7000-8000-000000000002',
            unsaved_data_key_ids: [],
          },
        ],
        rotation: { ...rotation, waits_for: [] },
      },
    },
  },
  problems: ['service_unavailable'],
});

export const rotateKeys = declare({
  operationId: 'rotateKeys',
  tag: 'Administration',
  summary: 'Rotate the encryption keys',
  description:
    'Wraps every data key with the first key of ENCRYPTION_KEYS, and makes a new data key, under which every stored secret is sealed anew. A worker does the work in batches while the service runs, and continues it after a restart. It waits until every live process holds the keys. One rotation is active at a time: a second request returns it. Needs every organisation and the global scope.',
  method: 'POST',
  path: '/admin/encryption/rotate',
  access: accessOf.rotateKeys,
  body: wantedRotation,
  bodyExample: { data_key: true },
  responses: {
    202: {
      description: 'The rotation is active.',
      schema: startedRotation,
      example: { is_new: true, rotation: { ...rotation, waits_for: [] } },
    },
  },
  problems: ['service_unavailable'],
});

export const retireDataKey = declare({
  operationId: 'retireDataKey',
  tag: 'Administration',
  summary: 'Remove a data key that nothing uses',
  description:
    'Removes a data key after a rotation. Refused with data_key_in_use while a stored value is sealed under it, a process seals with it, unsaved tokens may need it, or less than ten minutes have passed since its last use. A backup taken before keeps its own copy of the key. Needs every organisation and the global scope.',
  method: 'DELETE',
  path: '/admin/encryption/data-keys/{id}',
  access: accessOf.retireDataKey,
  params: z.object({ id: z.string().max(100).describe('Id of the data key.') }),
  query: retireQuery,
  responses: { 204: { description: 'Data key removed.' } },
  problems: ['not_found', 'data_key_in_use', 'service_unavailable'],
});
