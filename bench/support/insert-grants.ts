import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { sealTokens } from '../../src/broker/sealing.ts';
import { createEnvironmentKeys } from '../../src/crypto/environment-keys.ts';
import { createKeyRing } from '../../src/crypto/key-ring.ts';
import { newId } from '../../src/crypto/tokens.ts';
import { isHeld, parseEncryptionKeys } from '../../src/domain/encryption-keys.ts';
import type { Cipher } from '../../src/domain/ports/cipher.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { organization, type Service } from './service.ts';

const batchSize = 2_000;

/**
 * Inserts connected grants of one connection, sealed as the service does, with tokens that live for a day. Bypasses the
 * API, which would take minutes for a hundred thousand. Returns the path of each grant's fetch.
 */
export async function insertGrants(
  service: Service,
  connection: { name: string; tokenUrl: string },
  count: number,
): Promise<string[]> {
  await service.post('/connections', {
    connection_name: connection.name,
    oauth_flow_type: 'refresh_token',
    client_id: 'bench',
    client_secret: 'bench',
    token_url: connection.tokenUrl,
  });
  const cipher = await openCipher(service);
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  try {
    for (let inserted = 0; inserted < count; inserted += batchSize) {
      const ids = Array.from({ length: Math.min(batchSize, count - inserted) }, newId);
      const sealed = ids.map((id) =>
        Buffer.from(sealTokens(cipher, { id, organizationId: organization }, tokensOf(id))),
      );
      const subjects = ids.map((_, n) => subjectOf(inserted + n));
      await client.query(
        `insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, obtained_at,
           lifetime_seconds, refreshable, scopes, requested_scopes, created_at, updated_at)
         select new_grant.id, c.id, c.organization_id, new_grant.subject, 'completed', new_grant.sealed, now() + interval '1 day', now(),
           86400, true, '{read,write}', '{read,write}', now(), now()
         from connections c, unnest($1::uuid[], $2::text[], $3::bytea[]) as new_grant (id, subject, sealed)
         where c.organization_id = $4 and c.name = $5`,
        [ids, subjects, sealed, organization, connection.name],
      );
    }
    await client.query('vacuum analyze grants');
  } finally {
    await client.end();
  }
  return Array.from({ length: count }, (_, n) => `/credentials/${connection.name}?subject=${subjectOf(n)}`);
}

const subjectOf = (n: number) => `person-${n}`;

/** Tokens about as long as those of large providers. */
function tokensOf(id: string) {
  return {
    accessToken: new Secret(`access-${id}-`.padEnd(200, 'a')),
    refreshToken: new Secret(`refresh-${id}-`.padEnd(100, 'r')),
    tokenType: 'Bearer',
    extra: {},
  };
}

/** Opens a cipher with the keys of the service's data directory. */
async function openCipher({ dataDir, databaseUrl }: Service): Promise<Cipher> {
  const { keys } = parseEncryptionKeys(readFileSync(join(dataDir, 'encryption-keys'), 'utf8').trim());
  const postgres = createPostgres({ connectionString: databaseUrl, poolMax: 1, onError: () => {} });
  try {
    const keyEncryptionKeys = createEnvironmentKeys(keys.filter(isHeld));
    const parts = { keys: postgres.dataKeys, keyEncryptionKeys, newId, clock: () => new Date() };
    return (await createKeyRing(parts)).cipher;
  } finally {
    await postgres.close();
  }
}
