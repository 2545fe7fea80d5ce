import type { CommandContext } from '../../context.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';

/**
 * Makes sure that the other system no longer refreshes. Many providers replace the refresh token with each refresh and end
 * the grant if the old one comes back: two systems that refresh the same grant end it.
 */
export async function confirmStopped(
  { output, prompts, flags }: CommandContext,
  system: string,
  isSaid: boolean,
): Promise<void> {
  if (isSaid) return;
  output.warn(
    `Stop the refreshes of ${system} first. Providers replace a refresh token with each refresh, and end a grant whose old token comes back. docs/MIGRATING.md says how.`,
  );
  if (!prompts.isInteractive && flags.yes !== true) {
    throw new CommandFailure(
      `${system} may still refresh these tokens.`,
      exitCodes.usage,
      'Stop it, then add --refresh-stopped. --dry-run needs neither.',
    );
  }
  await prompts.confirmName('stopped', `Type stopped if ${system} no longer refreshes these tokens`);
}
