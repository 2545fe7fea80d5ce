import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StartFailure } from '../../../doctor/ground.ts';
import { membersOf } from '../../../doctor/request.ts';

/** Reads the records of failed starts, the latest first. Empty if there are none or they cannot be read. */
export function readStartFailures(dataDir: string): StartFailure[] {
  const folder = join(dataDir, 'start-failures');
  try {
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return files
      .flatMap((name) => failureOf(readFileSync(join(folder, name), 'utf8')))
      .toSorted((one, other) => other.failedAt.localeCompare(one.failedAt));
  } catch {
    return [];
  }
}

function failureOf(text: string): StartFailure[] {
  const { failed_at: failedAt, role, about, message } = membersOf(text);
  if (typeof failedAt !== 'string' || typeof role !== 'string' || typeof message !== 'string') return [];
  return [{ failedAt, role, isAboutKeys: about === 'keys', message }];
}
