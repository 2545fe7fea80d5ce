import { argv, stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';
import { type Claim, tryClaim } from '../../../src/embedded/claim.ts';

// Claims paths on request: `node claimant.ts`. Each line of standard input is a path, or empty to release the claim.
// Prints one line of JSON for each.
let claim: Claim | undefined;
const warnings: string[] = [];
stdout.write(`${JSON.stringify({ ready: argv.length })}\n`);
for await (const path of createInterface({ input: stdin })) {
  if (path === '') {
    claim?.release();
    claim = undefined;
    stdout.write('{}\n');
    continue;
  }
  const found = await tryClaim(path, (_, message) => warnings.push(message));
  if ('release' in found) claim = found;
  stdout.write(
    `${JSON.stringify('release' in found ? { won: true, warnings } : { won: false, proof: found.proof, pid: found.record?.pid })}\n`,
  );
}
