import { afterAll, beforeAll, expect, test } from 'vitest';
import { logHealthChanges } from '../../../src/app/log/failure-log.ts';
import { createCheckHealth } from '../../../src/broker/maintenance/check-health.ts';
import { createJudgeGrants } from '../../../src/broker/maintenance/judge-grants.ts';
import { createCatalogue } from '../../../src/oauth/providers/catalogue.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { minutesFromNow } from '../../support/builders/grant.ts';
import { storeConnection } from '../../support/builders/stored.ts';
import { storeGrantOf } from '../../support/engine/maintenance-process.ts';
import { cipher } from '../../support/engine/refresh-fixture.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';
import { createScriptedGateway } from '../../support/provider/scripted-gateway.ts';

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores?.end());

test('scheduled checks log when a grant becomes unhealthy and when it is healthy again, and nothing in between', async () => {
  const connection = await storeConnection(stores, {
    ...aConnection('acme', 'crm', { provider: 'github' }),
    sealedClientSecrets: null,
  });
  const id = await storeGrantOf(stores, connection, 'ann', minutesFromNow(60));
  const oauth = createScriptedGateway();
  const lines: unknown[][] = [];
  const log = {
    warn: (...line: unknown[]) => void lines.push(['warn', ...line]),
    info: (...line: unknown[]) => void lines.push(['info', ...line]),
  };
  const onHealthChange = logHealthChanges(log, () => 'https://broker.example');
  let minute = 0;
  const clock = () => minutesFromNow(minute);
  const onError = (error: unknown) => {
    throw error;
  };
  const checkHealth = createCheckHealth({
    health: stores.health,
    judgeGrants: createJudgeGrants({ oauth, cipher, clock, onError }),
    catalogue: createCatalogue(),
    clock,
    intervalMs: 60_000,
    onHealthChange,
  });
  const linesAfter = async (result: 'success' | 'failed', httpStatus: number) => {
    minute += 1;
    lines.length = 0;
    oauth.script.probe = { result, message: `Status ${httpStatus}.`, responseTimeMs: 1, account: null, httpStatus };
    const report = await checkHealth(new AbortController().signal);
    expect(report.healthy + report.unhealthy).toBe(1);
    return [...lines];
  };
  const names = { connection_name: 'crm', organization_id: 'acme', subject: 'ann', grant_id: id };
  const restored = ['info', names, 'health restored'];
  const console_url = `https://broker.example/console/connections/crm/grants/${id}?organization=acme`;
  const failed = (reason: string) => ['warn', { ...names, reason, console_url }, 'health check failed'];
  expect(await linesAfter('failed', 401)).toEqual([failed('rejected: Status 401.')]);
  expect(await linesAfter('failed', 401)).toEqual([]);
  expect(await linesAfter('failed', 503)).toEqual([]);
  expect(await linesAfter('success', 200)).toEqual([restored]);
  expect(await linesAfter('success', 200)).toEqual([]);
  expect(await linesAfter('failed', 503)).toEqual([failed('unavailable: Status 503.')]);
});
