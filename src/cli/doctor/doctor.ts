import { type CheckResult, runChecks } from '../../doctor/check.ts';
import { checks } from '../../doctor/checks.ts';
import type { Ground } from '../../doctor/ground.ts';
import { isLoopback } from '../../doctor/place.ts';
import { request } from '../../doctor/request.ts';
import type { CommandContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { relativeTime } from '../output/relative-time.ts';
import { openReader } from './facts/access.ts';
import { locateDataDirectory } from './facts/data-directory.ts';
import { readEndpoints } from './facts/endpoints.ts';
import { openMachine } from './facts/machine.ts';
import { readPublicUrl } from './facts/public-url.ts';
import { readService } from './facts/service.ts';
import { readStartFailures } from './facts/start-failures.ts';
import { printResults } from './print-results.ts';

export interface DoctorOptions {
  keysBackup?: string;
}

export async function runDoctor(context: CommandContext, options: DoctorOptions): Promise<void> {
  const { url } = context.settings();
  const { ground, results } = await context.prompts.progress(`Checking ${url}`, async () => {
    const ground = await survey(context, url, options);
    return { ground, results: await runChecks(checks, ground) };
  });
  await printResults(context.output, url, results);
  context.exitCode = exitCodeOf(ground, results);
}

/** Collects what the checks look at. */
async function survey(context: CommandContext, url: string, { keysBackup }: DoctorOptions): Promise<Ground> {
  const { environment, directory } = context;
  const isLocal = isLoopback(url);
  const dataDirectory = locateDataDirectory({ environment, directory, isLocal })?.path ?? null;
  const service = await readService(url);
  const { access, read } = await openReader(context, service);
  let endpoints: ReturnType<Ground['endpoints']> | undefined;
  let publicUrl: ReturnType<Ground['publicUrl']> | undefined;
  return {
    url,
    isLocal,
    machine: openMachine({ environment, directory, dataDirectory, keysBackup }),
    startFailures: dataDirectory === null ? [] : readStartFailures(dataDirectory),
    service,
    access,
    read,
    endpoints: () => {
      endpoints ??= readEndpoints(read);
      return endpoints;
    },
    publicUrl: () => {
      publicUrl ??= readPublicUrl(read);
      return publicUrl;
    },
    request,
    ago: (time) => relativeTime(time),
  };
}

function exitCodeOf({ service, access }: Ground, results: readonly CheckResult[]): ExitCode {
  if (service.state === 'silent') return exitCodes.tryLater;
  if (access.state === 'refused') return exitCodes.permission;
  return results.some(({ state }) => state === 'failed') ? exitCodes.failure : exitCodes.ok;
}
