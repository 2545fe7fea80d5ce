import { type Kysely, sql } from 'kysely';
import type { ClientSecretStore } from '../../domain/ports/client-secrets.ts';
import type { Tables } from '../tables.ts';

export function createClientSecretStore({ db }: { db: Kysely<Tables> }): ClientSecretStore {
  return {
    async recordRefused({ id, sealedClientSecrets }, at) {
      await db
        .updateTable('connections')
        .set({ client_secret_refused_at: at })
        .where('id', '=', id)
        .where(sql<boolean>`sealed_client_secrets = ${sealedClientSecrets}`)
        .where('client_secret_refused_at', 'is', null)
        .execute();
    },

    async keepNewest({ id, sealedClientSecrets }, sealedNewest) {
      await db
        .updateTable('connections')
        .set({ sealed_client_secrets: sealedNewest, client_secret_refused_at: null })
        .where('id', '=', id)
        .where(sql<boolean>`sealed_client_secrets = ${sealedClientSecrets}`)
        .execute();
    },
  };
}
