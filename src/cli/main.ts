import process from 'node:process';
import { exitCodes } from './exit-codes.ts';
import { run } from './run.ts';

// A reader such as head may close the pipe before the last line. That is its decision and no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failure);
});
// Some terminals tell no size. A prompt would break its text after each character.
if (process.stderr.isTTY && process.stderr.columns === 0) process.stderr.columns = 80;
// Files that hold a key are private, whatever umask the shell has.
process.umask(0o077);
process.exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  directory: process.cwd(),
});
