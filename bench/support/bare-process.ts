import fastify from 'fastify';
import pg from 'pg';
import { Agent, request } from 'undici';
import type { BareOptions, BareServer } from './bare-server.ts';
import { answerParent } from './fork.ts';

interface Row {
  sealed_tokens: Buffer;
}

/** What a fetch reads of the row, in the types they are stored in. */
const select = `
  select id, organization_id, subject, account_id, status, status_reason, status_message, sealed_tokens, expires_at,
    refresh_expires_at, obtained_at, lifetime_seconds, refreshable, scopes, version, retry_at, refresh_started_at
  from grants where id = $1`;

/** The least that could do the job, without the job's rules: what the service's own cost is measured against. */
await answerParent<BareOptions, BareServer>(async ({ databaseUrl, poolMax, grantId, tokenUrl }) => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolMax });
  const provider = new Agent();
  const app = fastify({ logger: false });

  /** One prepared select of the row a fetch is served from. */
  app.get('/select', async () => {
    const { rows } = await pool.query<Row>({ name: 'bare', text: select, values: [grantId] });
    const [row] = rows;
    return { ...row, sealed_tokens: row?.sealed_tokens.toString('base64') };
  });

  /** One token request. */
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
