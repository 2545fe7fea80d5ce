import type { Service } from '../../contract/service.ts';
import { json } from '../provider/hostile-provider.ts';

/** Names that the pages of the scene are opened with. */
export interface Scene {
  organization: string;
  /** Organisation with a connection of the same name. */
  other: string;
  working: Placed;
  /** Needs a person: the provider refused its refresh token. A person can connect it again at the real provider. */
  failing: Placed;
  /** Key of a service. */
  keyId: string;
  /** Data key that seals. */
  dataKeyId: string;
  /** Disabled, because `failing` does not work. */
  workflowId: string;
}

export interface Placed {
  name: string;
  grantId: string;
}

const hour = 3_600_000;
const day = 24 * hour;
const organization = 'acme';
const other = 'globex';
const inTime = (ms: number) => new Date(Date.now() + ms).toISOString();

type Calls = ReturnType<typeof callsOf>;

/** Fills a service as a company uses it: two organisations and the global scope, with connections in every state. */
export async function fillScene(service: Service): Promise<Scene> {
  const calls = callsOf(service);
  const working = await addWorking(calls);
  const failing = await addFailing(service, calls);
  await Promise.all([addOthers(service, calls), addGlobal(calls), addUnfinished(calls)]);
  await addWorkflows(calls);
  await addWaiting(calls);
  const { id: keyId } = await service.newKey({ name: 'Billing service', organizations: [organization], global: false });
  await service.newKey({ name: 'Deployment', expires_at: inTime(5 * day) });
  const encryption = await service.api.get('/admin/encryption');
  const [{ id: dataKeyId = '' } = {}] = encryption.body.data_keys as { id?: string }[];
  return { organization, other, working, failing, keyId, dataKeyId, workflowId: 'weekly-report' };
}

async function addWorking({ connection, grant }: Calls): Promise<Placed> {
  await connection('hubspot-crm', { provider: 'hubspot', scopes: ['crm.objects.contacts.read', 'oauth'] });
  const grantId = await grant('hubspot-crm', { expires_at: inTime(5 * hour) });
  await connection('slack-alerts', { provider: 'slack', multi_account: true, scopes: ['chat:write'] });
  for (const account_id of ['T0ACME', 'T0SUPPORT']) await grant('slack-alerts', { account_id, expires_in: 43_200 });
  await connection('gmail', { provider: 'google-gmail', description: 'Reads the mailboxes of the sales team.' });
  for (const subject of ['ada@acme.example', 'grace@acme.example', 'edsger@acme.example'])
    await grant('gmail', { subject, expires_at: inTime(6 * hour) });
  return { name: 'hubspot-crm', grantId };
}

/** A refresh token that the provider does not know is refused with invalid_grant (RFC 6749 §5.2). */
async function addFailing({ provider }: Service, { connection, grant, refresh }: Calls): Promise<Placed> {
  const client = await provider.registerClient();
  const { redirect_uri } = await connection('salesforce-sync', {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    authorization_url: provider.endpoints.authorization,
    token_url: provider.endpoints.token,
    revocation_url: provider.endpoints.revocation,
    test_url: provider.endpoints.userinfo,
    scopes: ['openid', 'profile', 'offline_access'],
    authorize_params: { prompt: 'consent' },
    description: 'Copies new leads to the warehouse.',
  });
  await provider.addRedirectUri(client.clientId, redirect_uri);
  const grantId = await grant('salesforce-sync', { expires_at: inTime(-hour), refresh_token: 'forgotten' });
  await refresh('salesforce-sync');
  return { name: 'salesforce-sync', grantId };
}

/** Connections that fail in other ways, were revoked or have expired. */
async function addOthers({ provider, hostile }: Service, { connection, grant, refresh, post }: Calls): Promise<void> {
  const client = await provider.registerClient();
  const wrong = { client_id: client.clientId, client_secret: 'not-the-secret', token_url: provider.endpoints.token };
  await connection('xero-books', { ...wrong, authorization_url: provider.endpoints.authorization }, other);
  await grant('xero-books', { expires_at: inTime(-hour) }, other);
  await refresh('xero-books', other);
  await connection('hubspot-crm', { provider: 'hubspot' }, other);
  await grant('hubspot-crm', { expires_at: inTime(20 * hour) }, other);

  hostile.script('/down/token', json(503, { error: 'temporarily_unavailable' }, { 'retry-after': '600' }));
  const down = { authorization_url: `${hostile.origin}/down`, token_url: `${hostile.origin}/down/token` };
  await connection('zoom-meetings', down);
  await grant('zoom-meetings', { expires_at: inTime(8 * hour) });
  await refresh('zoom-meetings');

  await connection('shopify-old', { provider: 'generic', ...down });
  await grant('shopify-old', {});
  await post('/connections/shopify-old/revoke', { reason: 'The shop was closed.' });
  await connection('dropbox-archive', { provider: 'dropbox' });
  await grant('dropbox-archive', { refresh_token: undefined, expires_at: inTime(-day) });
}

async function addGlobal({ connection, grant }: Calls): Promise<void> {
  await connection('github-shared', { provider: 'github', allow_import: true }, null);
  await grant('github-shared', { expires_at: inTime(7 * hour) }, null);
  await grant('github-shared', { expires_at: inTime(9 * hour) });
}

async function addUnfinished({ connection }: Calls): Promise<void> {
  await connection('notion-docs', { provider: 'notion', description: 'Not connected yet.' });
  await connection('linear-issues', { provider: 'linear' }, other);
}

async function addWorkflows({ post }: Calls): Promise<void> {
  const dependencies = [
    ['invoices', 'Invoices', 'hubspot-crm'],
    ['new-leads', 'New leads to the warehouse', 'salesforce-sync'],
    ['weekly-report', 'Weekly report', 'salesforce-sync'],
    ['alerts', 'Alerts', 'slack-alerts'],
  ] as const;
  for (const [id, workflow_name, connection_name] of dependencies)
    await post(`/workflows/${id}/dependencies`, { connection_name, workflow_name });
  await post('/workflows/weekly-report/disable', { reason: 'Waits until Salesforce is connected again.' });
}

/** Its link was sent to a person who has not opened it. */
async function addWaiting({ connection, post }: Calls): Promise<void> {
  await connection('asana-tasks', { provider: 'asana' });
  await post('/connections/asana-tasks/authorize', {});
}

/** Calls that must succeed, for `acme` unless they name another organisation. Null names the global scope. */
export function callsOf({ api }: Pick<Service, 'api'>) {
  async function post(path: string, body: unknown, owner: string | null = organization) {
    const response = await api.post(path, body, { organization: owner ?? undefined });
    if (response.status >= 300) throw new Error(`${path} answered ${response.status} ${response.text}`);
    return response.body;
  }
  return {
    post,
    connection: (name: string, body: Record<string, unknown>, owner?: string | null) =>
      post(
        '/connections',
        { connection_name: name, client_id: 'app-4711', client_secret: 'of-a-test', ...body },
        owner,
      ),
    async grant(name: string, body: Record<string, unknown>, owner?: string | null) {
      const tokens = { access_token: 'imported', refresh_token: 'imported', ...body };
      return (await post(`/connections/${name}/grants`, tokens, owner)).grant_id;
    },
    /** Refreshes a grant whose provider refuses. */
    async refresh(name: string, owner = organization) {
      const response = await api.post(`/connections/${name}/refresh`, {}, { organization: owner });
      if (response.status < 400) throw new Error(`the refresh of ${name} worked: ${response.text}`);
    },
  };
}
