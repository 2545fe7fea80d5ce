import { type Kysely, sql } from 'kysely';

/**
 * Records to which own hosts of a connection a grant's tokens and a client secret may be sent: those that test_url and
 * revocation_url had when the grant was authorized or the secret was written. Null: the connection had no such URL.
 */
export async function up(db: Kysely<any>): Promise<void> {
  // Read only together with their rows, so they need no index.
  await sql`alter table grants add column test_origin text, add column revocation_origin text`.execute(db);
  await sql`alter table connections add column secret_test_origin text, add column secret_revocation_origin text`.execute(
    db,
  );

  // Earlier edits of these URLs dropped the tokens and required the secret, so the present URLs were in force all along.
  // A host that is written in another way than URL.origin does is not recognized: its tokens are then not sent.
  const originOf = (column: string) => sql`
    regexp_replace(regexp_replace(lower(substring(${sql.ref(column)} from '^[^:]+://[^/?#]+')), '^(https://.*):443$', '\\1'), '^(http://.*):80$', '\\1')`;
  await sql`
    update connections
    set secret_test_origin = ${originOf('test_url')}, secret_revocation_origin = ${originOf('revocation_url')}
    where test_url is not null or revocation_url is not null`.execute(db);
  await sql`
    update grants
    set test_origin = c.secret_test_origin, revocation_origin = c.secret_revocation_origin
    from connections c
    where c.id = grants.connection_id and (c.test_url is not null or c.revocation_url is not null)`.execute(db);
}
