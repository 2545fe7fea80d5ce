import { env } from 'node:process';
import { Redis } from 'ioredis';
import { describe, inject, test } from 'vitest';

export interface TestRedis {
  url: string;
  drop(): Promise<void>;
}

/** The server of this run; undefined where there is none. */
export function redisUrl(): string | undefined {
  return inject('redisUrl') ?? undefined;
}

/** As `describe`; without Redis it is skipped under a name that says so, and with CI=true it fails. */
export function describeWithRedis(name: string, suite: () => void): void {
  const absence = inject('redisAbsence');
  if (absence === null) {
    describe(name, suite);
  } else if (env.CI === 'true') {
    test(`${name}: Redis is there to run against`, () => {
      throw new Error(`Redis is missing: ${absence}.`);
    });
  } else {
    describe.skip(`${name} [skipped, Redis is missing: ${absence}]`, suite);
  }
}

/** How long a claim outlives a run that was killed. */
const claimSeconds = 3600;

/** A numbered database of one's own, empty. Never one that holds anything: the server may be somebody's. */
export async function createTestRedis(): Promise<TestRedis> {
  const base = redisUrl();
  if (base === undefined) throw new Error('createTestRedis belongs inside describeWithRedis.');
  const client = new Redis(base);
  try {
    const [, databases] = (await client.config('GET', 'databases')) as [string, string];
    for (let number = 1; number < Number(databases); number++) {
      await client.select(number);
      if ((await client.dbsize()) === 0 && (await claim(client))) return testRedis(base, number);
    }
  } finally {
    client.disconnect();
  }
  throw new Error('Every database of the Redis server is in use.');
}

async function claim(client: Redis): Promise<boolean> {
  return (await client.set('token-broker-test:claim', '1', 'EX', claimSeconds, 'NX')) === 'OK';
}

function testRedis(base: string, number: number): TestRedis {
  const url = new URL(base);
  url.pathname = `/${number}`;
  return {
    url: url.href,
    drop: async () => {
      const client = new Redis(url.href);
      await client.flushdb();
      client.disconnect();
    },
  };
}
