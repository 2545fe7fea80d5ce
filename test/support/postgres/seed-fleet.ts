import pg from 'pg';

export interface FleetSize {
  organizations: number;
  grants: number;
}

/** Connections of each organisation, by their number. */
const providers = ['google', 'slack', 'notion', 'hubspot'];

/**
 * Fills a migrated database: one global connection, and four of each organisation. The organisation `big` owns half of the
 * grants. One grant in a hundred does not work, and one in two hundred works although its last refresh failed.
 */
export async function seedFleet(url: string, { organizations, grants }: FleetSize): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `insert into connections (id, organization_id, name, provider, flow, client_id, variables, scopes, authorize_params,
         token_params, multi_account, share_with_organizations, config_version, revision, created_by, created_at, updated_at)
       select gen_random_uuid(), owner, name, provider, 'authorization_code', 'x', '{}', '{}', '{}', '{}', false, true, 1, 1,
         'seed', now(), now()
       from (
         select null as owner, 'shared' as name, 'google' as provider
         union all
         select case when n = 1 then 'big' else 'org-' || n end, provider || '-main', provider
         from generate_series(1, $1::int) as n, unnest($2::text[]) as provider
       ) as made`,
      [organizations, providers],
    );
    await client.query(
      `with own as (
         select organization_id as owner, array_agg(id order by provider) as ids
         from connections where organization_id is not null group by organization_id
       ), shared as (select id from connections where organization_id is null)
       insert into grants (id, connection_id, organization_id, subject, status, status_reason, sealed_tokens, expires_at,
         refresh_expires_at, obtained_at, refreshable, retry_at, consecutive_failures, created_at, updated_at)
       select gen_random_uuid(), case when n % 10 = 0 then (select id from shared) else own.ids[1 + n % 4] end, owner,
         'person-' || n,
         case when n % 100 = 7 then case when n % 300 = 7 then 'not_connected' else 'failed' end else 'completed' end,
         case n % 300 when 7 then 'configuration_changed' when 107 then 'reauthorization_required'
           when 207 then 'client_rejected' end,
         case when n % 100 <> 7 then '\\xab'::bytea end,
         case when n % 100 <> 7 then now() + (n % 10000 - 20) * interval '1 minute' end,
         case when n % 100 <> 7 then now() + interval '6 days' + n % 90000 * interval '1 minute' end,
         case when n % 100 <> 7 then now() end, n % 100 <> 7 and n % 50 <> 3,
         case when n % 300 = 207 then now() + interval '1 day' end, case when n % 200 = 5 then 2 else 0 end, now(), now()
       from generate_series(1, $1::int) as n
       join own on own.owner = case when n % 2 = 0 then 'big' else 'org-' || 2 + n % ($2::int - 1) end`,
      [grants, organizations],
    );
    await client.query(
      `insert into authorizations (state_hash, connection_id, config_version, organization_id, subject, allow_account_change,
         scopes, redirect_uri, status, created_by, created_at, expires_at)
       select 'state-' || row_number() over (), id, 1, organization_id, case when n % 2 = 0 then 'person-' || n end, false,
         '{}', 'https://x.test', 'pending', 'seed', now(), now() + (n % 3 - 1) * interval '1 hour'
       from connections, generate_series(1, 3) as n`,
    );
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}
