import { linkSync, mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { tryClaim } from '../../../src/embedded/claim.ts';
import { describeOwnProcess } from '../../../src/embedded/claim-record.ts';
import { type Claimant, startClaimant } from '../../support/processes/claimants.ts';
import { describeWithProgram } from '../../support/processes/describe-with-program.ts';
import { openMounts } from '../../support/processes/mounts.ts';
import { inNamespaces } from '../../support/processes/namespaces.ts';

const mounts = await openMounts();
const { exfat, twice } = typeof mounts === 'string' ? { exfat: '', twice: ['', ''] as const } : mounts;
const absence = typeof mounts === 'string' ? mounts : null;
const claimants: Claimant[] = [];
afterEach(async () => {
  await Promise.all(claimants.splice(0).map((claimant) => claimant.kill()));
});
afterAll(() => {
  if (typeof mounts !== 'string') mounts.close();
});

async function start(prefix: readonly string[] = []): Promise<Claimant> {
  const claimant = await startClaimant(prefix);
  claimants.push(claimant);
  return claimant;
}

describeWithProgram({ title: 'a mounted exFAT', absence }, 'claims on a file system without links and sockets', () => {
  let path: string;
  beforeEach(() => {
    path = join(mkdtempSync(join(exfat, 'claims-')), 'lock');
  });

  test('a holder logs that heartbeats decide, keeps its claim, and killed it is replaced at once', async () => {
    writeFileSync(join(exfat, 'file'), '');
    expect(() => linkSync(join(exfat, 'file'), join(exfat, 'link'))).toThrow();
    const holder = await start();
    expect(await holder.claim(path)).toMatchObject({ won: true, warnings: [expect.stringContaining('heartbeats')] });
    const next = await start();
    expect(await next.claim(path)).toEqual({ won: false, proof: 'process', pid: holder.child.pid });
    await holder.kill();
    expect((await next.claim(path)).won).toBe(true);
  });

  test('a holder in another PID namespace keeps its claim by its heartbeat', async () => {
    const holder = await start(inNamespaces());
    await holder.claim(path);
    expect(await tryClaim(path)).toMatchObject({ proof: 'heartbeat', record: { pid: 1 } });
  });

  test('of 8 processes that contend for a silent claim exactly one wins', async () => {
    const contenders = await Promise.all(Array.from({ length: 8 }, () => start()));
    for (let round = 0; round < 10; round++) {
      const target = `${path}-${round}`;
      mkdirSync(target);
      const file = join(target, 'earlier.json');
      writeFileSync(file, JSON.stringify({ ...describeOwnProcess(target, false), boot: 'another' }));
      utimesSync(file, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
      const attempts = await Promise.all(contenders.map(({ claim }) => claim(target)));
      expect(attempts.filter(({ won }) => won)).toHaveLength(1);
      expect(readdirSync(target)).toHaveLength(1);
    }
  }, 120_000);
});

describeWithProgram({ title: 'a folder mounted twice', absence }, 'claims through two mounts of one folder', () => {
  test('a holder keeps its claim by its heartbeat where its socket cannot be reached', async () => {
    const [first, second] = twice;
    const [holder, other] = [await start(), await start()];
    expect(await holder.claim(join(first, 'lock'))).toEqual({ won: true, warnings: [] });
    expect(await other.claim(join(first, 'lock'))).toMatchObject({ won: false, proof: 'socket' });
    expect(await other.claim(join(second, 'lock'))).toMatchObject({ won: false, proof: 'heartbeat' });
    await holder.release();
    expect((await other.claim(join(second, 'lock'))).won).toBe(true);
  });
});
