import { type Kysely, sql } from 'kysely';

/** Adds the sessions of the console. They belong to callers, so no organisation owns a row. */
export async function up(db: Kysely<any>): Promise<void> {
  // The id is known to the browser alone: who reads the table cannot resume a session. The identity holds no rights.
  // Each request resolves the caller from it, so a key that is revoked later has no session left.
  await sql`
    create table console_sessions (
      id_hash bytea primary key constraint console_sessions_id_hash check (octet_length(id_hash) = 32),
      identity jsonb not null constraint console_sessions_identity check (
        case identity->>'kind'
          when 'api_key' then identity ? 'id'
          when 'bootstrap' then identity ? 'proof'
          when 'person' then identity ?& array['issuer', 'subject', 'name', 'role']
          else false
        end),
      -- Also the actor of audit events, whose index takes up to about 2,700 bytes.
      caller_id text collate "C" not null constraint console_sessions_caller_id
        check (octet_length(caller_id) between 1 and 2000),
      -- Of no use alone: a request also needs the id.
      csrf_secret text not null constraint console_sessions_csrf_secret check (csrf_secret <> ''),
      created_at timestamptz(3) not null,
      last_seen_at timestamptz(3) not null,
      address text,
      -- The client chooses it.
      agent text constraint console_sessions_agent check (char_length(agent) <= 300),
      constraint console_sessions_seen check (last_seen_at >= created_at)
    )`.execute(db);

  // Serves the list of a caller's sessions, and the end of all of them.
  await sql`create index console_sessions_caller on console_sessions (caller_id, last_seen_at)`.execute(db);
  // Serves the removal of sessions that are over.
  await sql`create index console_sessions_seen_at on console_sessions (last_seen_at)`.execute(db);
}
