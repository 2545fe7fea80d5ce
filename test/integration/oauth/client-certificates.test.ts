import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TokenAuthMethod } from '../../../src/domain/connection.ts';
import type { OAuthClient, OAuthGateway } from '../../../src/domain/ports/oauth.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createAgentPool } from '../../../src/oauth/agent-pool.ts';
import { createCatalogue } from '../../../src/oauth/catalogue.ts';
import { readClientCertificate } from '../../../src/oauth/client-certificate.ts';
import { createOAuthGateway } from '../../../src/oauth/gateway.ts';
import { createGuardedHttp, type GuardedHttp } from '../../../src/oauth/guarded-http.ts';
import { type Certified, certify } from '../../support/certificates.ts';
import { failureOf, held, plainSettings } from '../../support/gateway-fixture.ts';
import { startTlsOAuthServer, type TlsOAuthServer } from '../../support/tls-oauth-server.ts';

const authority = certify('authority', { isAuthority: true });
const localhost = certify('localhost', { issuer: authority });
const ada = certify('ada', { issuer: authority });
const ben = certify('ben', { issuer: authority });
const loner = certify('loner');

let http: GuardedHttp;
let gateway: OAuthGateway;
beforeAll(() => {
  http = createGuardedHttp({
    allowPrivateNetwork: true,
    connectTimeoutMs: 2000,
    certificateAuthorities: [authority.cert],
  });
  gateway = createOAuthGateway({
    http,
    catalogue: createCatalogue(),
    retries: 0,
    callCapMs: 5000,
    probeTimeoutMs: 5000,
  });
});
afterAll(() => http.close());

function bundle({ cert, key }: Certified): Secret {
  return new Secret(cert + key);
}

function clientOf(
  origin: string,
  clientId: string,
  tokenAuthMethod: TokenAuthMethod,
  ...secrets: Secret[]
): OAuthClient {
  const settings = {
    ...plainSettings,
    provider: 'generic',
    flow: 'client_credentials' as const,
    clientId,
    tokenUrl: `${origin}/token`,
    revocationUrl: `${origin}/token/revocation`,
    tokenAuthMethod,
  };
  return { settings, secrets };
}

describe('a real authorization server', () => {
  let server: TlsOAuthServer;
  beforeAll(async () => {
    server = await startTlsOAuthServer({ server: localhost, authority });
  });
  afterAll(() => server.stop());

  const registeredAda = () =>
    server.registerClient({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=ada' });

  test('knows a client by the subject of its certificate, at the token and the revocation endpoint', async () => {
    const client = clientOf(server.issuer, await registeredAda(), 'tls_client_auth', bundle(ada));
    expect(gateway.validate(client.settings)).toEqual([]);
    const { tokens } = await gateway.requestClientCredentials(client, []);
    expect(await gateway.revoke(client, tokens)).toBe(true);
  });

  test('refuses the certificate of another client, of nobody, and a stranger that claims the name', async () => {
    const clientId = await registeredAda();
    for (const wrong of [ben, certify('ada'), loner]) {
      const client = clientOf(server.issuer, clientId, 'tls_client_auth', bundle(wrong));
      expect(await failureOf(gateway.requestClientCredentials(client, []))).toMatchObject({
        class: 'client',
        oauthError: 'invalid_client',
      });
    }
  });

  test('knows a self-signed certificate by its key', async () => {
    const key = createPublicKey(loner.privateKey).export({ format: 'jwk' });
    const x5c = [new X509Certificate(loner.cert).raw.toString('base64')];
    const clientId = await server.registerClient({
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      jwks: { keys: [{ ...key, x5c }] } as never,
    });
    const method = 'self_signed_tls_client_auth';
    const client = clientOf(server.issuer, clientId, method, bundle(loner));
    expect((await gateway.requestClientCredentials(client, [])).tokens.accessToken.reveal()).toMatch(/./);
    const wrong = clientOf(server.issuer, clientId, method, bundle(certify('loner')));
    expect(await failureOf(gateway.requestClientCredentials(wrong, []))).toMatchObject({ class: 'client' });
  });

  test('while certificates are being changed the older one still serves', async () => {
    const client = clientOf(server.issuer, await registeredAda(), 'tls_client_auth', bundle(ben), bundle(ada));
    expect((await gateway.requestClientCredentials(client, [])).tokens.accessToken.reveal()).toMatch(/./);
  });
});

interface Seen {
  socket: number;
  subject: string | null;
  clientId: string | null;
}

/** Tells which certificate stood behind the socket of each request, and keeps sockets open. */
async function startWitness(options: Pick<ServerOptions, 'rejectUnauthorized' | 'maxVersion'> = {}) {
  const seen: Seen[] = [];
  const numbers = new Map<object, number>();
  const server = createServer(
    {
      cert: localhost.cert,
      key: localhost.key,
      ca: [authority.cert],
      requestCert: true,
      rejectUnauthorized: false,
      ...options,
    },
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const socket = request.socket as TLSSocket;
      if (!numbers.has(socket)) numbers.set(socket, numbers.size);
      seen.push({
        socket: numbers.get(socket) ?? -1,
        subject: socket.getPeerX509Certificate()?.subject ?? null,
        clientId: new URLSearchParams(Buffer.concat(chunks).toString()).get('client_id'),
      });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'at', token_type: 'Bearer', expires_in: 60 }));
    },
  );
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  return { origin, seen };
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

test('a socket never carries the request of another client, whoever else calls the same host', async () => {
  const { origin, seen } = await startWitness();
  const clients = [
    clientOf(origin, 'ada', 'tls_client_auth', bundle(ada)),
    clientOf(origin, 'ben', 'tls_client_auth', bundle(ben)),
    clientOf(origin, 'nobody', 'none'),
  ];
  for (let round = 0; round < 3; round++) {
    for (const client of clients) await gateway.requestClientCredentials(client, []);
  }
  await Promise.all(clients.flatMap((client) => [1, 2, 3].map(() => gateway.requestClientCredentials(client, []))));

  expect(seen).toHaveLength(18);
  const expected: Record<string, string | null> = { ada: 'CN=ada', ben: 'CN=ben', nobody: null };
  expect(seen.filter(({ clientId, subject }) => expected[clientId ?? ''] !== subject)).toEqual([]);
  // The rounds one after another did reuse sockets: what was proved is not that everybody connected anew.
  expect(new Set(seen.slice(0, 9).map(({ socket }) => socket)).size).toBe(3);
});

test('a server that ends the handshake over the certificate gets no request at all', async () => {
  const { origin, seen } = await startWitness({ rejectUnauthorized: true, maxVersion: 'TLSv1.2' });
  const client = clientOf(origin, 'loner', 'tls_client_auth', bundle(loner));
  expect(await failureOf(gateway.refresh(client, held(), []))).toMatchObject({ class: 'transient', sent: false });
  expect(seen).toEqual([]);
});

test('under TLS 1.3, where the refusal comes after the request was written, nothing is granted and the cause is named', async () => {
  const { origin, seen } = await startWitness({ rejectUnauthorized: true });
  const client = clientOf(origin, 'loner', 'tls_client_auth', bundle(loner));
  expect(await failureOf(gateway.refresh(client, held(), []))).toMatchObject({
    class: 'transient',
    answered: false,
    message: expect.stringContaining('client certificate'),
  });
  expect(seen).toEqual([]);
});

test('sockets are kept for a bounded number of certificates, and all are closed in the end', async () => {
  const pool = createAgentPool({ allowPrivateNetwork: true, connectTimeoutMs: 1000 });
  const certificate = readClientCertificate(bundle(ada));
  const agents = Array.from({ length: 150 }, (_, index) => pool.agentFor({ ...certificate, id: String(index) }));
  expect(pool.agentFor({ ...certificate, id: '149' })).toBe(agents[149]);
  expect(agents.filter((agent) => agent.closed).length).toBe(50);
  await pool.close();
  expect(agents.every((agent) => agent.closed)).toBe(true);
  expect(pool.agentFor(null).closed).toBe(true);
});
