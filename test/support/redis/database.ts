import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { describeWithProgram } from '../processes/describe-with-program.ts';

export interface TestRedis {
  url: string;
  drop(): Promise<void>;
}

/** URL of the server of this run. Undefined if there is none. */
export function redisUrl(): string | undefined {
  return inject('redisUrl') ?? undefined;
}

/** Declares a suite. Without Redis it is skipped under a name that says so; with CI=true it fails. */
export function describeWithRedis(name: string, suite: () => void): void {
  describeWithProgram({ title: 'Redis', absence: inject('redisAbsence') }, name, suite);
}

/** Seconds after which the claim of a killed run lapses. Longer than any run. */
const claimSeconds = 3600;

/** Claims an empty numbered database. Never uses one that has data: the server may serve other programs. */
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
