import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sealTokens } from '../../../src/broker/sealing.ts';
import { newId } from '../../../src/crypto/tokens.ts';
import type { OrganizationId } from '../../../src/domain/connections/connection.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { FaultConnection, FaultWorld } from './world.ts';

const batchSize = 2_000;

/**
 * Inserts expired grants of one connection, sealed as the service seals them, each with its own subject. Returns their
 * refresh tokens.
 */
export async function insertDueGrants(
  world: FaultWorld,
  { name }: Pick<FaultConnection, 'name'>,
  count: number,
  organizationId: OrganizationId = null,
): Promise<string[]> {
  const cipher = await world.openCipher();
  const refreshTokens: string[] = [];
  const [connection] = await world.sql<{ id: string }>('select id from connections where name = $1', [name]);
  for (let done = 0; done < count; done += batchSize) {
    const ids = Array.from({ length: Math.min(batchSize, count - done) }, newId);
    const sealed = ids.map((id) =>
      sealTokens(
        cipher,
        { id, organizationId },
        {
          accessToken: new Secret(`at-${id}`),
          refreshToken: new Secret(`rt-${id}`),
          tokenType: 'Bearer',
          extra: {},
        },
      ),
    );
    await world.sql(
      `insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, obtained_at, lifetime_seconds,
         refreshable, created_at, updated_at)
       select id, $1, $4, id::text, 'completed', sealed, now() - interval '1 minute', now() - interval '1 hour', 3600, true, now(), now()
       from unnest($2::uuid[], $3::bytea[]) as due (id, sealed)`,
      [connection?.id, ids, sealed.map((value) => Buffer.from(value)), organizationId],
    );
    refreshTokens.push(...ids.map((id) => `rt-${id}`));
  }
  return refreshTokens;
}

/** Starts a provider that answers every token request at once with tokens of one hour. It counts each refresh token. */
export async function startInstantProvider() {
  const presented = new Map<string, number>();
  let requests = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    request.on('end', () => {
      requests += 1;
      const token = new URLSearchParams(body).get('refresh_token') ?? '';
      presented.set(token, (presented.get(token) ?? 0) + 1);
      const next = {
        access_token: `at-${requests}`,
        refresh_token: `rt-${requests}`,
        token_type: 'Bearer',
        expires_in: 3600,
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(next));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    tokenUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    presented,
    requests: () => requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
