import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TokenAuthMethod } from '../../../src/domain/connections/connection.ts';
import type { OAuthClient, OAuthGateway } from '../../../src/domain/ports/oauth.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { readClientCertificate } from '../../../src/oauth/client-auth/client-certificate.ts';
import { createOAuthGateway } from '../../../src/oauth/gateway.ts';
import { createCatalogue } from '../../../src/oauth/providers/catalogue.ts';
import { createAgentPool } from '../../../src/outbound/agent-pool.ts';
import { createGuardedHttp, type GuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { type Certified, certify } from '../../support/oauth-server/certificates.ts';
import { startTlsOAuthServer, type TlsOAuthServer } from '../../support/oauth-server/tls-server.ts';
import { failureOf, held, plainCaller, plainSettings } from '../../support/provider/gateway-fixture.ts';

const authority = certify('authority', { isAuthority: true });
const localhost = certify('localhost', { issuer: authority });
const ada = certify('ada', { issuer: authority });
const ben = certify('ben', { issuer: authority });
const selfSigned = certify('self-signed');

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
  return { caller: plainCaller, settings, secrets };
}

describe('a real authorization server', () => {
  let server: TlsOAuthServer;
  beforeAll(async () => {
    server = await startTlsOAuthServer({ server: localhost, authority });
  });
  afterAll(() => server.stop());

  const registeredAda = () =>
    server.registerClient({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=ada' });

  test('a client authenticates by the subject of its certificate at the token and revocation endpoints', async () => {
    const client = clientOf(server.issuer, await registeredAda(), 'tls_client_auth', bundle(ada));
    expect(gateway.validate(client.settings)).toEqual([]);
    const { tokens } = await gateway.requestClientCredentials(client, []);
    expect(await gateway.revoke(client, tokens)).toBe(true);
  });

  test('the certificate of another client, a forged one and an unknown one are refused with invalid_client', async () => {
    const clientId = await registeredAda();
    for (const wrong of [ben, certify('ada'), selfSigned]) {
      const client = clientOf(server.issuer, clientId, 'tls_client_auth', bundle(wrong));
      expect(await failureOf(gateway.requestClientCredentials(client, []))).toMatchObject({
        class: 'client',
        oauthError: 'invalid_client',
      });
    }
  });

  test('a client authenticates by the key of a self-signed certificate', async () => {
    const key = createPublicKey(selfSigned.privateKey).export({ format: 'jwk' });
    const x5c = [new X509Certificate(selfSigned.cert).raw.toString('base64')];
    const clientId = await server.registerClient({
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      jwks: { keys: [{ ...key, x5c }] } as never,
    });
    const method = 'self_signed_tls_client_auth';
    const client = clientOf(server.issuer, clientId, method, bundle(selfSigned));
    expect((await gateway.requestClientCredentials(client, [])).tokens.accessToken.reveal()).toMatch(/./);
    const wrong = clientOf(server.issuer, clientId, method, bundle(certify('self-signed')));
    expect(await failureOf(gateway.requestClientCredentials(wrong, []))).toMatchObject({ class: 'client' });
  });

  test('an older certificate is used after the newest one is rejected', async () => {
    const client = clientOf(server.issuer, await registeredAda(), 'tls_client_auth', bundle(ben), bundle(ada));
    expect((await gateway.requestClientCredentials(client, [])).tokens.accessToken.reveal()).toMatch(/./);
  });
});

interface ReceivedRequest {
  socket: number;
  subject: string | null;
  clientId: string | null;
}

/** Starts a token endpoint that records socket and client certificate of each request, and keeps sockets open. */
async function startRecorder(options: Pick<ServerOptions, 'rejectUnauthorized' | 'maxVersion'> = {}) {
  const received: ReceivedRequest[] = [];
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
      received.push({
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
  return { origin, received };
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

test('a socket never carries the request of another client that calls the same host', async () => {
  const { origin, received } = await startRecorder();
  const clients = [
    clientOf(origin, 'ada', 'tls_client_auth', bundle(ada)),
    clientOf(origin, 'ben', 'tls_client_auth', bundle(ben)),
    clientOf(origin, 'public', 'none'),
  ];
  for (let round = 0; round < 3; round++) {
    for (const client of clients) await gateway.requestClientCredentials(client, []);
  }
  await Promise.all(clients.flatMap((client) => [1, 2, 3].map(() => gateway.requestClientCredentials(client, []))));

  expect(received).toHaveLength(18);
  const expected: Record<string, string | null> = { ada: 'CN=ada', ben: 'CN=ben', public: null };
  expect(received.filter(({ clientId, subject }) => expected[clientId ?? ''] !== subject)).toEqual([]);
  // The sequential rounds reused sockets: without reuse this test would prove nothing.
  expect(new Set(received.slice(0, 9).map(({ socket }) => socket)).size).toBe(3);
});

test('a server that refuses the certificate during the handshake receives no request', async () => {
  const { origin, received } = await startRecorder({ rejectUnauthorized: true, maxVersion: 'TLSv1.2' });
  const client = clientOf(origin, 'self-signed', 'tls_client_auth', bundle(selfSigned));
  expect(await failureOf(gateway.refresh(client, held(), []))).toMatchObject({ class: 'transient', sent: false });
  expect(received).toEqual([]);
});

test('a refusal of the certificate under TLS 1.3, after the request was written, is named in the failure', async () => {
  const { origin, received } = await startRecorder({ rejectUnauthorized: true });
  const client = clientOf(origin, 'self-signed', 'tls_client_auth', bundle(selfSigned));
  expect(await failureOf(gateway.refresh(client, held(), []))).toMatchObject({
    class: 'transient',
    answered: false,
    message: expect.stringContaining('client certificate'),
  });
  expect(received).toEqual([]);
});

test('the pool keeps agents for at most 100 certificates and closes all of them at the end', async () => {
  const pool = createAgentPool({ allowPrivateNetwork: true, connectTimeoutMs: 1000 });
  const certificate = readClientCertificate(bundle(ada));
  const agents = Array.from({ length: 150 }, (_, index) => pool.agentFor({ ...certificate, id: String(index) }));
  expect(pool.agentFor({ ...certificate, id: '149' })).toBe(agents[149]);
  expect(agents.filter((agent) => agent.closed).length).toBe(50);
  await pool.close();
  expect(agents.every((agent) => agent.closed)).toBe(true);
  expect(pool.agentFor(null).closed).toBe(true);
});
