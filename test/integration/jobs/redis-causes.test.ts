import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explainQueue } from '../../../src/app/diagnosis/explain-queue.ts';
import { loadConfig } from '../../../src/config.ts';
import { createJobs } from '../../../src/jobs/create-jobs.ts';
import { certify } from '../../support/oauth-server/certificates.ts';
import { freePort } from '../../support/processes/free-port.ts';
import { describeWithRedis } from '../../support/redis/database.ts';
import { findRedisServer } from '../../support/redis/server.ts';

/** Starts a Redis of its own, and runs the body with its ports. */
async function withRedis(settings: readonly string[], body: (ports: { plain: number; tls: number }) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'token-broker-redis-causes-'));
  const [plain, tls] = [await freePort(), await freePort()];
  const { cert, key } = certify('localhost');
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  const server = spawn(
    findRedisServer() ?? 'redis-server',
    [
      ...['--bind', '127.0.0.1', '--port', String(plain), '--save', '', '--databases', '4', '--dir', folder],
      ...['--tls-port', String(tls), '--tls-cert-file', `${folder}/cert.pem`, '--tls-key-file', `${folder}/key.pem`],
      ...['--tls-ca-cert-file', `${folder}/cert.pem`, '--tls-auth-clients', 'no', ...settings],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
    await body({ plain, tls });
  } finally {
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts the queue and returns the logged reason of its failure. */
async function reasonOf(redisUrl: string): Promise<string | undefined> {
  const config = loadConfig({ REDIS_URL: redisUrl });
  if (config.redisUrl === null) throw new Error('the URL is missing');
  const reasons: (string | undefined)[] = [];
  const unused = async () => {};
  const jobs = createJobs({
    location: { redisUrl: config.redisUrl },
    installationId: async () => '00000000-0000-4000-8000-000000000000',
    intervals: { sweep: 60_000, health: 60_000, expiry: 60_000, audit: 60_000, revocation: 60_000 },
    concurrency: 1,
    handlers: {
      sweep: unused,
      refresh: unused,
      refreshAhead: unused,
      checkHealth: unused,
      runHealthChecks: unused,
      warnOfExpiry: unused,
      maintainAudit: unused,
      revokePending: unused,
    },
    log: {
      info: () => {},
      warn: (fields, message) => {
        expect(message).toMatch(/^queue /);
        reasons.push((fields as { reason?: string }).reason);
      },
    },
    explain: (error) => explainQueue(config, error),
  });
  await jobs.start(false);
  // A sentinel does not know the command that ends a connection.
  await jobs.close().catch(() => {});
  expect(reasons.join()).not.toContain('hunter2');
  return reasons[0];
}

describeWithRedis('the log names the part of REDIS_URL to check', () => {
  test('for passwords, users, rights, database numbers and TLS', async () => {
    const acl = ['--requirepass', 'right', '--user', 'weak', 'on', '>hunter2', '+@connection', '+info'];
    await withRedis(acl, async ({ plain, tls }) => {
      const reasons: [url: string, reason: string][] = [
        [`redis://:hunter2@127.0.0.1:${plain}/0`, 'the user or the password is wrong'],
        [`redis://nobody:hunter2@127.0.0.1:${plain}/0`, 'the user or the password is wrong'],
        [`redis://127.0.0.1:${plain}/0`, 'the server requires a password'],
        [`redis://weak:hunter2@127.0.0.1:${plain}/0`, 'the user lacks a right'],
        [`redis://:right@127.0.0.1:${plain}/9`, 'names no database of this server'],
        [`rediss://:right@127.0.0.1:${plain}/0`, 'the host does not answer.*the port has TLS'],
        [`rediss://:right@127.0.0.1:${tls}/0`, 'not signed by a known CA'],
        [`redis://:right@127.0.0.1:${tls}/0`, 'whether it requires TLS (rediss://)'],
        [`redis://:right@127.0.0.1:${await freePort()}/0`, 'the port refuses connections'],
        ['redis://:right@no-such-host.invalid/0', 'the host is not known'],
      ];
      for (const [url, reason] of reasons)
        expect.soft(await reasonOf(url), url).toMatch(new RegExp(`^REDIS_URL: .*${reason.replace(/[()]/g, '.')}`));
    });
  });

  test('for a server in cluster mode', async () => {
    await withRedis(['--cluster-enabled', 'yes'], async ({ plain }) => {
      expect(await reasonOf(`redis://127.0.0.1:${plain}`)).toContain('REDIS_URL: the server is part of a cluster');
    });
  });

  test('for a sentinel', async () => {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'token-broker-sentinel-'));
    writeFileSync(join(folder, 'sentinel.conf'), `port ${port}\nbind 127.0.0.1\ndir ${folder}\n`);
    const server = spawn(findRedisServer() ?? '', [join(folder, 'sentinel.conf'), '--sentinel'], { stdio: 'ignore' });
    try {
      await expect
        .poll(async () => reasonOf(`redis://127.0.0.1:${port}`), { timeout: 15_000 })
        .toContain('REDIS_URL: the server is no Redis for data');
    } finally {
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
