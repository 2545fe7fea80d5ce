import { type Kysely, sql } from 'kysely';

/** Allows client authentication with a private key: RFC 7523 §2.2 and RFC 8705 §2. */
export async function up(db: Kysely<any>): Promise<void> {
  await sql`
    alter table connections
      drop constraint connections_token_auth_method_check,
      add constraint connections_token_auth_method_check check (
        token_auth_method in (
          'client_secret_basic', 'client_secret_basic_raw', 'client_secret_post', 'none',
          'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'
        )
      )`.execute(db);
}
