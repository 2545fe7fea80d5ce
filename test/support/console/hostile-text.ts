import type { Service } from '../../contract/service.ts';
import { json } from '../provider/hostile-provider.ts';
import { callsOf, type Placed } from './scene.ts';

/** Path that every part of the text requests if a browser takes it for markup. */
export const markedPath = '/marked';

/** Ends attributes, titles and text areas, and then adds elements that run or that htmx acts on. At most 190 characters. */
export const hostileText = `'"></title></textarea><img src=${markedPath} onerror=marked=1><b hx-get="${markedPath}" hx-trigger="load" class=marked></b><script>marked=1;fetch('${markedPath}')</script>`;

/** Adds a connection whose texts, from people, workflows and the provider, are all markup. */
export async function addHostileConnection(service: Service, organization: string): Promise<Placed> {
  const { hostile } = service;
  const calls = callsOf(service);
  const name = 'hostile';
  hostile.script('/marked/token', json(400, { error: 'invalid_grant', error_description: hostileText }));
  await calls.connection(name, {
    client_id: hostileText,
    authorization_url: `${hostile.origin}/marked`,
    token_url: `${hostile.origin}/marked/token`,
    description: hostileText,
    authorize_params: { audience: hostileText },
    token_params: { audience: hostileText },
    scopes: ["'><img/src=/marked/onerror=marked=1>"],
    managed_by: hostileText,
    multi_account: true,
  });
  await calls.grant(name, { subject: hostileText, account_id: hostileText, extra: { site: hostileText } });
  const grantId = await calls.grant(name, { account_id: hostileText });
  await calls.refresh(name);
  await calls.post('/workflows/hostile/dependencies', { connection_name: name, workflow_name: hostileText });
  await calls.post('/workflows/hostile/disable', { reason: hostileText });
  await calls.grant(name, { account_id: `revoked ${hostileText}` });
  await calls.post(`/connections/${name}/revoke`, { account_id: `revoked ${hostileText}`, reason: hostileText });
  await calls.post('/connections/hostile/authorize', { account_id: hostileText, subject_label: hostileText });
  await service.newKey({ name: hostileText, organizations: [organization], global: false });
  return { name, grantId };
}
