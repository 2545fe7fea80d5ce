import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { openService, type Service } from '../contract/service.ts';
import { alerts, dashboardExpressions, metricsOf } from '../support/monitoring/expressions.ts';
import {
  copyExample,
  describeWithPrometheus,
  examples,
  promtool,
  startPrometheus,
} from '../support/monitoring/prometheus.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { addConnection, connect, importGrant } from './connections.ts';

const operations = readFileSync(resolve(examples, '../../docs/OPERATIONS.md'), 'utf8');

describe('every alert', () => {
  test.each(alerts)('$alert has a chapter of the operations manual', ({ alert, annotations }) => {
    expect(annotations.runbook).toBe(`docs/OPERATIONS.md#${alert.toLowerCase()}`);
    expect(operations).toMatch(new RegExp(`^#+ ${alert}$`, 'm'));
  });

  test.each(alerts)('$alert is tested to fire, and not to fire', ({ alert }) => {
    const { tests } = parse(readFileSync(resolve(examples, 'alerts.test.yml'), 'utf8')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const cases = tests.flatMap((one) => one.alert_rule_test).filter(({ alertname }) => alertname === alert);
    expect(cases.map(({ exp_alerts }) => exp_alerts.length > 0).sort()).toEqual([false, true]);
  });
});

describeWithPrometheus('the monitoring examples', () => {
  let service: Service;
  let prometheus: Awaited<ReturnType<typeof startPrometheus>>;

  beforeAll(async () => {
    service = await openService({ PROVIDER_RETRIES: '0', REFRESH_INTERVAL_MINUTES: '1' });
    await use(service);
    const { key } = await service.newKey({ permissions: ['admin:read'] });
    prometheus = await startPrometheus(copyExample(key, [`127.0.0.1:${service.broker.port}`]));
    // A rate needs two scrapes.
    const scrapes = async () =>
      Number((await prometheus.query('count_over_time(up[1m]) and up == 1'))[0]?.value[1] ?? 0);
    await vi.waitFor(async () => expect(await scrapes()).toBeGreaterThan(2), { timeout: 30_000, interval: 500 });
    await use(service);
    const finished = () => prometheus.query('token_broker_last_sweep_duration_seconds');
    await vi.waitFor(async () => expect(await finished()).toHaveLength(1), { timeout: 60_000, interval: 500 });
  });
  afterAll(async () => {
    await prometheus?.stop();
    await service?.close();
  });

  test('promtool accepts the configuration, the rules and their tests', () => {
    const folder = copyExample('a-key', ['localhost:8080']);
    expect(promtool(['check', 'config', 'prometheus.yml'], { cwd: folder })).toMatchObject({ status: 0 });
    rmSync(folder, { recursive: true });
    expect(promtool(['check', 'rules', 'alerts.yml'])).toMatchObject({ status: 0 });
    expect(promtool(['test', 'rules', 'alerts.test.yml'])).toMatchObject({ status: 0 });
  });

  test('promtool finds nothing to complain about in the page of a process', async () => {
    const { text } = await service.api.get('/metrics');
    expect(promtool(['check', 'metrics'], { input: text })).toEqual({ status: 0, output: '' });
  });

  test.each(dashboardExpressions)('the panel "%s" shows something: %s', async (_title, expression) => {
    const shows = async () => (await prometheus.query(expression)).length;
    await expect.poll(shows, { timeout: 20_000 }).toBeGreaterThan(0);
  });

  test.each(alerts)('$alert uses only series that a process shows', async ({ expr }) => {
    await prometheus.query(expr);
    const used = metricsOf(expr);
    expect(used.length).toBeGreaterThan(0);
    for (const { name, labels } of used) {
      const selector = `${name}{${labels.map((label) => `${label}!=""`).join()}}`;
      expect((await prometheus.query(selector)).length, selector).toBeGreaterThan(0);
    }
  });

  test('no alert is pending or firing on a healthy installation, except for what its people and providers did', async () => {
    const active = (await prometheus.query('ALERTS')).map(({ metric }) => metric.alertname);
    const ofPeople = ['TokenBrokerGrantsNeedPerson', 'TokenBrokerRefreshesFail', 'TokenBrokerFetchesFail'];
    expect(active.filter((name) => !ofPeople.includes(name ?? ''))).toEqual([]);
  });
});

/** Does once what each metric counts: fetches from memory, database and provider, and refused ones. */
async function use(service: Service): Promise<void> {
  const connection = await addConnection(service);
  await connect(service, connection, 'ada');
  for (let n = 0; n < 3; n++) await service.api.get(connection.credential);
  await service.api.post(`${connection.path}/test`);
  const expired = await addConnection(service);
  await importGrant(service, expired, -60);
  await service.api.get(expired.credential);
  service.hostile.script('/refused', json(400, { error: 'invalid_grant' }));
  const refused = await addConnection(service, { body: { token_url: `${service.hostile.origin}/refused` } });
  await importGrant(service, refused, -60);
  await service.api.get(refused.credential);
  await service.api.get('/credentials/missing');
}
