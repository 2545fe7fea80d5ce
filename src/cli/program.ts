import { Command } from 'commander';
import { registerConnections } from './commands/connections.ts';
import type { CommandContext } from './context.ts';
import { readVersion } from './version.ts';

/** Builds the program. Each file of commands adds its own; their actions import what they need when they run. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('token-broker')
    .description('Command line of token-broker: OAuth connections, their grants and tokens.')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .version(readVersion(), '--version', 'show the version')
    .helpOption('-h, --help', 'show this text')
    .option('--url <url>', 'address of the broker (TOKEN_BROKER_URL)')
    .option('--key-file <file>', 'file with the API key, - for stdin (TOKEN_BROKER_KEY, TOKEN_BROKER_KEY_FILE)')
    .option('--organization <id>', 'organisation of the call (TOKEN_BROKER_ORGANIZATION)')
    .option('--profile <name>', 'profile of config.json (TOKEN_BROKER_PROFILE)')
    .option('--json', 'print one JSON document')
    .option('--ndjson', 'print a JSON line an item')
    .option('--yes', 'answer every confirmation')
    .option('--no-color', 'print without colour (NO_COLOR)');
  registerConnections(program, context);
  return program;
}
