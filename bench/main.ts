import { cpus, loadavg } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { cacheMemoryScenario } from './scenarios/cache-memory.ts';
import { callersScenario } from './scenarios/callers.ts';
import { connectionsFileScenario } from './scenarios/connections-file.ts';
import { consoleScenario } from './scenarios/console.ts';
import { fetchScenario } from './scenarios/fetch.ts';
import { fleetScenario } from './scenarios/fleet.ts';
import { hotFetchScenario } from './scenarios/hot-fetch.ts';
import { importScenario } from './scenarios/import.ts';
import { memoryScenario } from './scenarios/memory.ts';
import type { Effort, Scenario } from './scenarios/scenario.ts';
import { selectionScenario } from './scenarios/selection.ts';
import { startScenario } from './scenarios/start.ts';
import { slowSweepScenario, sweepScenario } from './scenarios/sweep.ts';
import { formatTable, type ScenarioResult, writeResults } from './support/report.ts';

const scenarios: readonly Scenario[] = [
  hotFetchScenario,
  fetchScenario,
  callersScenario,
  sweepScenario,
  slowSweepScenario,
  selectionScenario,
  fleetScenario,
  consoleScenario,
  importScenario,
  connectionsFileScenario,
  startScenario,
  memoryScenario,
  cacheMemoryScenario,
];

const thorough: Effort = {
  rounds: 9,
  roundSeconds: 5,
  loadSeconds: 60,
  settleSeconds: 10,
  quietSeconds: 35,
  refreshes: 2000,
  hotGrants: 10_000,
  dueGrants: 10_000,
  slowDueGrants: 2000,
  sweepRounds: 5,
  storedGrants: [10_000, 1_000_000],
  cachedGrants: 100_000,
  importedLines: 1_000_000,
  declaredConnections: 5000,
};
const quick: Effort = {
  rounds: 5,
  roundSeconds: 2,
  loadSeconds: 10,
  settleSeconds: 3,
  quietSeconds: 3,
  refreshes: 500,
  hotGrants: 2000,
  dueGrants: 2000,
  slowDueGrants: 500,
  sweepRounds: 1,
  storedGrants: [10_000, 100_000],
  cachedGrants: 20_000,
  importedLines: 10_000,
  declaredConnections: 500,
};

const usage = `usage: npm run bench -- [--quick] [--stored N] [--only NAME]...

  --quick  short rounds, which show factors but not percents
  --stored grants that are stored for the scenarios selection and fleet; 10000000 needs 20 GB of disk
  --only   one of: ${scenarios.map(({ name }) => name).join(', ')}; may be repeated

The table marks missed targets. They do not change the exit code.
`;

function parseOptions(): { isQuick: boolean; stored: number | undefined; only: readonly Scenario[] } | undefined {
  try {
    const {
      quick: isQuick,
      stored,
      only,
    } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        stored: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
      },
    }).values;
    const names = scenarios.map(({ name }) => name);
    if (only.some((name) => !names.includes(name))) return undefined;
    if (stored !== undefined && !/^[1-9]\d{3,8}$/.test(stored)) return undefined;
    return {
      isQuick,
      stored: stored === undefined ? undefined : Number(stored),
      only: scenarios.filter(({ name }) => only.length === 0 || only.includes(name)),
    };
  } catch {
    return undefined;
  }
}

async function main(): Promise<number> {
  const choice = parseOptions();
  if (choice === undefined) {
    process.stderr.write(usage);
    return 1;
  }
  const usual = choice.isQuick ? quick : thorough;
  const [few, many] = usual.storedGrants;
  const effort: Effort = { ...usual, storedGrants: [few, choice.stored ?? many] };
  const [busyBefore = 0] = loadavg();
  const results: ScenarioResult[] = [];
  for (const { title, run } of choice.only) {
    process.stderr.write(`measuring: ${title}\n`);
    results.push({ scenario: title, figures: await run(effort) });
  }
  process.stdout.write(`${formatTable(results)}\n\n`);
  // On a busy machine both sides of a ratio wait for processors, which hides their difference.
  if (busyBefore > cpus().length / 2) {
    process.stdout.write(
      `The machine was busy (load ${busyBefore.toFixed(1)} before the start): the results are not reliable.\n`,
    );
  }
  process.stdout.write(
    `written to ${writeResults(results, { mode: choice.isQuick ? 'quick' : 'thorough', busyBefore })}\n`,
  );
  return 0;
}

process.exitCode = await main();
