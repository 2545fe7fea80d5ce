import { createHash } from 'node:crypto';
import { createBrowser } from '../browser/browser.ts';
import { type Api, type ApiCall, type ApiResponse, createApi } from './broker-api.ts';

/** One response of the script, with everything masked that differs from run to run. */
export interface Answer {
  step: string;
  status: number;
  body: string;
}

export interface ScriptOptions {
  url: string;
  adminKey: string;
  /** Origin of a provider with /authorize, /token, /userinfo and /revoke. */
  provider: string;
}

export const returnUrl = 'https://app.example/done';
const organization = 'acme';
/** An instant that no mask hides: a wrong reading of a stored value shows. */
const farAway = '2031-02-03T04:05:06.789Z';

/**
 * Calls every route of the API in a fixed order and returns the answers. Two runs on empty tables return the same
 * answers if the service behaves the same.
 */
export async function runRouteScript({ url, adminKey, provider }: ScriptOptions): Promise<Answer[]> {
  const answers: Answer[] = [];
  const api = createApi(url, adminKey);

  async function call(by: Api, method: string, path: string, options: ApiCall = {}): Promise<ApiResponse> {
    const response = await by.call(method, path, options);
    answers.push({ step: `${method} ${mask(path)}`, status: response.status, body: mask(response.text) });
    return response;
  }
  const admin = (method: string, path: string, body?: unknown, owner?: string) =>
    call(api, method, path, { body, organization: owner });

  /** Walks through an authorization as a browser does, without the provider's own pages. */
  async function authorize(name: string, method: 'GET' | 'POST', owner?: string): Promise<void> {
    const { body, text } = await admin('POST', `/connections/${name}/authorize`, {}, owner);
    if (body.authorization_url === undefined) throw new Error(`authorize answered ${text}`);
    const opened = await fetch(body.authorization_url, { redirect: 'manual' });
    const target = new URL(opened.headers.get('location') ?? url);
    answers.push({ step: 'GET /authorize/{state}', status: opened.status, body: mask(target.pathname) });
    const query = new URLSearchParams({ code: 'the-code', state: target.searchParams.get('state') ?? '' });
    const callback = target.searchParams.get('redirect_uri') ?? url;
    const cookie = opened.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    for (const repeat of ['first', 'again']) {
      const response =
        method === 'GET'
          ? await fetch(`${callback}?${query}`, { headers: { cookie }, redirect: 'manual' })
          : await fetch(callback, { method, body: query, headers: { cookie }, redirect: 'manual' });
      const step = `${method} ${new URL(callback).pathname} ${repeat}`;
      answers.push({ step, status: response.status, body: mask(await response.text()) });
    }
    await admin('GET', `/authorizations/${body.state}`, undefined, owner);
  }

  /** Goes through the page before the provider, and confirms with what the application and the browser hold. */
  async function confirm(name: string): Promise<void> {
    const verifier = 'v'.repeat(43);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const bound = { subject: 'bound', return_url: returnUrl, binding_challenge: challenge };
    const { body } = await admin('POST', `/connections/${name}/authorize`, bound);
    const browser = createBrowser();
    const page = await browser.send('GET', new URL(body.authorization_url));
    answers.push({ step: 'GET /authorize/{state}', status: page.status, body: mask(page.body) });
    const target = await browser.submit(page, {}, ({ origin }) => origin === provider);
    answers.push({
      step: 'POST /authorize/{state}',
      status: target.status,
      body: mask(target.location?.pathname ?? ''),
    });
    const callback = new URL(target.location?.searchParams.get('redirect_uri') ?? url);
    callback.search = `${new URLSearchParams({ code: 'the-code', state: body.state })}`;
    const { location } = await browser.send('GET', callback);
    const returned = (parameter: string) => location?.searchParams.get(parameter) ?? '';
    const held = { binding_verifier: verifier, confirmation_code: returned('confirmation_code') };
    const confirmed = await admin('POST', `/authorizations/${returned('authorization_id')}/confirm`, held);
    if (confirmed.status !== 200) throw new Error(`confirming answered ${confirmed.text}`);
    await admin('GET', `/credentials/${name}?subject=bound`);
  }

  const settings = {
    client_id: 'client',
    client_secret: 's\\cret \'"{}',
    authorization_url: `${provider}/authorize`,
    token_url: `${provider}/token`,
    revocation_url: `${provider}/revoke`,
    test_url: `${provider}/userinfo`,
    scopes: ['read', 'NULL', 'null', "it's", '{a,b}'],
    description: "Grüße, d'accord \\ {null}",
    allow_import: true,
    multi_account: true,
  };
  for (const [name, owner] of [
    ['shared', undefined],
    ['own', organization],
  ] as const) {
    const created = await admin('POST', '/connections', { ...settings, connection_name: name }, owner);
    if (created.status !== 201) throw new Error(`creating ${name} answered ${created.text}`);
    await admin('POST', '/connections', { ...settings, connection_name: name }, owner);
    await authorize(name, 'GET', owner);
    await authorize(name, 'POST', owner);
    await admin('GET', `/credentials/${name}`, undefined, owner);
    await admin('POST', `/connections/${name}/refresh`, undefined, owner);
    await admin('GET', `/credentials/${name}/explain`, undefined, owner);
    const { body } = await admin('GET', `/credentials/${name}`, undefined, owner);
    await admin('POST', `/credentials/${name}/renew`, { rejected_token: body.access_token }, owner);
    await admin('POST', `/connections/${name}/test`, undefined, owner);
    await admin('GET', `/connections/${name}`, undefined, owner);
    await admin('PATCH', `/connections/${name}`, { description: 'edited' }, owner);
    await admin('PUT', `/connections/${name}`, { ...settings, connection_name: name }, owner);
    const imports = [
      { subject: 'far', access_token: 'a', refresh_token: 'r', expires_at: farAway, refresh_expires_at: farAway },
      { subject: 'past', access_token: 'a', expires_at: '2020-02-03T04:05:06.789Z' },
      { subject: 'second', access_token: 'a', expires_in: 3600, account_id: 'x', scopes: ['a', 'null'] },
      { subject: 'due', access_token: 'a', refresh_token: 'r', expires_at: '2020-02-03T04:05:06.789Z' },
    ];
    for (const imported of imports) {
      const { body: grant } = await admin('POST', `/connections/${name}/grants`, imported, owner);
      await admin('GET', `/connections/${name}/grants/${grant.grant_id}`, undefined, owner);
      await admin('GET', `/credentials/${name}?subject=${imported.subject}`, undefined, owner);
    }
    await admin('GET', `/connections/${name}/grants?limit=2`, undefined, owner);
    const { body: listed } = await admin('GET', `/connections/${name}/grants?q=FAR`, undefined, owner);
    const [grant] = listed.grants as { grant_id: string }[];
    await admin('DELETE', `/connections/${name}/grants/${grant?.grant_id}`, undefined, owner);
    await admin('POST', `/connections/${name}/revoke`, { subject: 'second' }, owner);
    await admin('POST', `/connections/${name}/authorize`, { subject: 'left' }, owner);
    await admin('POST', `/connections/${name}/cancel`, { subject: 'left' }, owner);
    await admin('GET', '/connections?limit=1', undefined, owner);
  }
  await confirm('shared');
  await admin('GET', '/admin/grants?limit=2&status=completed');
  const { body: fleet } = await admin('GET', `/admin/grants?organization_id=${organization}&expires_before=${farAway}`);
  const [first] = fleet.grants as { grant_id: string; connection_id: string }[];
  await admin('GET', `/admin/grants/${first?.grant_id}`);
  await admin('POST', `/admin/health/check/${first?.grant_id}`);
  await admin('GET', '/admin/connections?status=completed');
  await admin('GET', `/admin/connections/${first?.connection_id}`);
  const stats = await api.get('/admin/stats');
  const { due_soon: _due, last_sweep: _sweep, ...counted } = stats.body as Record<string, unknown>;
  answers.push({ step: 'GET /admin/stats', status: stats.status, body: mask(JSON.stringify(counted)) });
  const key = { name: 'key', permissions: ['credentials:read'], organizations: [organization], expires_at: farAway };
  const { body: made } = await admin('POST', '/admin/api-keys', key);
  await call(createApi(url, String(made.key)), 'GET', '/credentials/own', { organization });
  await admin('GET', '/admin/api-keys');
  await admin('DELETE', `/admin/api-keys/${String(made.id)}`);
  await call(createApi(url, String(made.key)), 'GET', '/credentials/own', { organization });
  for (const path of [
    '/providers',
    '/providers/generic',
    '/livez',
    '/readyz',
    '/docs',
    '/openapi.json',
    '/authorizations/none',
  ]) {
    await admin('GET', path);
  }
  await callWorkflows(admin, organization);
  await admin('GET', '/admin/audit-events?to=2001-01-01T00:00:00Z');
  // Their bodies tell what the process did so far.
  for (const [method, path, body] of volatileRoutes) {
    const headers = { authorization: `Bearer ${adminKey}`, ...(body && { 'content-type': 'application/x-ndjson' }) };
    const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body }) });
    await response.text();
    answers.push({ step: `${method} ${path}`, status: response.status, body: '' });
  }
  await admin('DELETE', '/connections/own?confirm_disable_workflows=true', undefined, organization);
  await admin('DELETE', '/connections/shared');
  return answers;
}

const volatileRoutes: readonly [method: string, path: string, body?: string][] = [
  ['GET', '/health'],
  ['GET', '/metrics'],
  ['POST', '/admin/refresh/expiring'],
  ['GET', '/admin/refresh/status'],
  ['GET', '/admin/encryption'],
  ['POST', '/admin/encryption/rotate'],
  ['DELETE', '/admin/encryption/data-keys/none'],
  ['POST', '/admin/health/check-all'],
  ['GET', '/admin/health/stats'],
  ['POST', '/admin/import', '{"connection_name":"absent","access_token":"at-1"}\n'],
];

type CallAdmin = (method: string, path: string, body?: unknown, organization?: string) => Promise<unknown>;

async function callWorkflows(admin: CallAdmin, organization: string): Promise<void> {
  await admin('POST', '/workflows/wf-1/dependencies', { connection_name: 'own' }, organization);
  await admin('GET', '/workflows/wf-1/dependencies', undefined, organization);
  await admin('GET', '/connections/own/dependents', undefined, organization);
  await admin('POST', '/workflows/wf-1/disable', { reason: 'broken' }, organization);
  await admin('GET', '/workflows/disabled', undefined, organization);
  await admin('GET', '/workflows/wf-1', undefined, organization);
  await admin('POST', '/workflows/wf-1/enable', {}, organization);
}

const hour = 3_600_000;

/** Replaces ids, secrets and present times. Times become half hours from now, so a wrong reading still shows. */
function mask(text: string): string {
  return text
    .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, (instant) => {
      const hours = (Date.parse(instant) - Date.now()) / hour;
      return Math.abs(hours) > 1000 ? instant : `<now${(Math.round(hours * 2) / 2).toFixed(1)}h>`;
    })
    .replaceAll(/\d+ \w+ \d{4} at \d\d:\d\d UTC/g, '<date>')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(
      /"(expires_in|retry_after|uptime_seconds|response_time_ms)":\d+/g,
      (_, name, value) => `"${name}":${typeof value}`,
    )
    .replaceAll(/"(next_cursor)":"[^"]+"/g, '"$1":"<cursor>"')
    .replaceAll(/at-\d+/g, '<token>')
    .replaceAll(/[A-Za-z0-9_-]{32,}/g, '<random>')
    .replaceAll(/127\.0\.0\.1:\d+|localhost:\d+/g, '<host>');
}
