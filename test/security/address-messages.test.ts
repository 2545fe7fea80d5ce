import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/http/broker-api.ts';
import { addConnection, allPermissions, openAuthorization, openScene, type Scene } from './scene.ts';

/** A name that resolves to a forbidden address, and one that never resolves (RFC 6761 §6.4). */
const names = { forbidden: 'localhost', unresolved: 'absent.invalid' };
const details = {
  forbidden: { class: 'refused', error_description: expect.stringContaining('resolves to an address') },
  unresolved: { class: 'transient', error_description: expect.stringContaining('could not be resolved') },
};

let scene: Scene;
let server: Server;
let received = 0;
let writer: Api;
beforeAll(async () => {
  server = createServer((_request, response) => {
    received += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scene = await openScene({ ALLOW_PRIVATE_NETWORK: 'false' });
  const permissions = allPermissions.filter((permission) => !permission.startsWith('admin:'));
  ({ api: writer } = await scene.newKey({ permissions }));
});
afterAll(async () => {
  server?.close();
  await scene?.close();
});

const urlsOf = (name: string) => {
  const origin = `https://${name}:${(server.address() as AddressInfo).port}`;
  return Object.fromEntries(
    ['authorization', 'token', 'revocation', 'test'].map((use) => [`${use}_url`, `${origin}/${use}`]),
  );
};

/** Removes what differs between any two connections. */
function plain(text: string, secrets: Record<string, string>): string {
  let cleaned = text;
  for (const [label, secret] of Object.entries(secrets)) cleaned = cleaned.replaceAll(secret, `<${label}>`);
  return cleaned
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/"(retry_after|response_time_ms)":\d+/g, '"$1":0')
    .replaceAll(/[A-Za-z0-9_-]{43,}/g, '<random>');
}

/** Every response that a writer without administration rights gets about connections to a host of this name. */
async function seenByWriter(host: string): Promise<string[]> {
  const seen: string[] = [];
  const shownOf = (name: string) => (text: string) => void seen.push(plain(text, { name, host }));
  const by = { api: writer, provider: scene.provider };

  const person = await addConnection(by, { body: urlsOf(host) });
  const show = shownOf(person.name);
  const authorization = await openAuthorization(by, person);
  show((await authorization.sendCallback()).body);
  show((await writer.get(`/authorizations/${authorization.state}`)).text);
  show((await writer.get(person.path)).text);
  await writer.post(`${person.path}/grants`, { access_token: 'a', refresh_token: 'r', expires_in: 3600 });
  for (const action of ['test', 'refresh', 'revoke']) show((await writer.post(`${person.path}/${action}`)).text);
  show((await writer.get(`${person.path}/grants`)).text);
  show((await writer.get(`${person.credential}/explain`)).text);

  const body = { ...urlsOf(host), oauth_flow_type: 'client_credentials' };
  const machine = await addConnection(by, { body });
  const showMachine = shownOf(machine.name);
  for (const path of [machine.path, machine.credential, `${machine.credential}/explain`, `${machine.path}/grants`]) {
    showMachine((await writer.get(path)).text);
  }
  const { body: list } = await writer.get(`/connections?q=${machine.name}`);
  showMachine(JSON.stringify(list));
  return seen;
}

test('a writer cannot tell a name that does not resolve from one that may not be reached', async () => {
  const [forbidden, unresolved] = [await seenByWriter(names.forbidden), await seenByWriter(names.unresolved)];
  expect(forbidden.join('\n')).toContain('cannot be resolved, or its address may not be reached');
  expect(unresolved).toEqual(forbidden);
  expect(received).toBe(0);
});

test.each(['forbidden', 'unresolved'] as const)(
  'an administrator sees in last_error that a name is %s',
  async (fault) => {
    const body = { ...urlsOf(names[fault]), oauth_flow_type: 'client_credentials' };
    const { name, path } = await addConnection(
      { api: scene.api, provider: scene.provider },
      { organization: 'b', body },
    );
    const organization = { organization: 'b' };
    expect((await scene.api.get(path, organization)).body.last_error).toMatchObject(details[fault]);
    const { body: list } = await scene.api.get(`${path}/grants`, organization);
    expect(list.grants).toMatchObject([{ last_error: details[fault] }]);
    expect((await writer.get(path)).body).toMatchObject({ connection_name: name, last_error: { class: 'transient' } });
  },
);
