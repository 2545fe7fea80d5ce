import fastify from 'fastify';
import pg from 'pg';
import { Agent, request } from 'undici';
import type { BareOptions, BareServer } from './bare-server.ts';
import { reportToParent } from './fork.ts';

interface Row {
  sealed_tokens: Buffer;
}

/** Columns that a fetch reads, in their stored types. */
const select = `
  select id, organization_id, subject, account_id, status, status_reason, status_message, sealed_tokens, expires_at,
    refresh_expires_at, obtained_at, lifetime_seconds, refreshable, scopes, version, retry_at, refresh_started_at
  from grants where id = $1`;

/** Serves the baselines: one select and one token request, without any of the service's rules. */
await reportToParent<BareOptions, BareServer>(async ({ databaseUrl, poolMax, grantId, tokenUrl }) => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolMax });
  const provider = new Agent();
  const app = fastify({ logger: false });

  /** Runs one prepared select of the row that a fetch reads. */
  app.get('/select', async () => {
    const { rows } = await pool.query<Row>({ name: 'bare', text: select, values: [grantId] });
    const [row] = rows;
    return { ...row, sealed_tokens: row?.sealed_tokens.toString('base64') };
  });

  /** Sends one token request. */
  app.get('/post', async () => {
    const { body } = await request(tokenUrl, {
      dispatcher: provider,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=refresh_token&refresh_token=bare&client_id=bench&client_secret=bench',
    });
    return body.json();
  });

  return { url: await app.listen({ host: '127.0.0.1', port: 0 }) };
});
