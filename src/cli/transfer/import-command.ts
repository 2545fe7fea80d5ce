import type { CommandContext } from '../context.ts';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import type { ImportFlags } from './import-flags.ts';

export async function importCommand(
  context: CommandContext,
  file: string | undefined,
  flags: ImportFlags,
): Promise<void> {
  const { dryRun = false, verify = false, replace = false } = flags;
  const options = { dryRun, verify, replace };
  switch (flags.from) {
    case undefined: {
      const { importFile } = await import('./import-file.ts');
      return importFile(context, requireFile(context, file), { ...options, identity: flags.identity });
    }
    case 'nango': {
      const { importFromNango } = await import('./sources/nango/import-from-nango.ts');
      return importFromNango(context, flags, options);
    }
    case 'n8n': {
      const { importFromN8n } = await import('./sources/n8n/import-from-n8n.ts');
      return importFromN8n(context, requireFile(context, file), flags, options);
    }
    case 'vault-oauthapp': {
      const { importFromVault } = await import('./sources/vault-oauthapp/import-from-vault.ts');
      return importFromVault(context, requireFile(context, file), flags, options);
    }
    default:
      throw new CommandFailure('--from is nango, n8n or vault-oauthapp.', exitCodes.usage);
  }
}

function requireFile({ flags }: CommandContext, file: string | undefined): string {
  if (file === undefined) throw new CommandFailure('Name the file to import, or - for stdin.', exitCodes.usage);
  if (file === '-' && flags.keyFile === '-') {
    throw new CommandFailure('stdin cannot hold both the key and the lines.', exitCodes.usage);
  }
  return file;
}
