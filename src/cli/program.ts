import { Command } from 'commander';
import { registerApiKeys } from './commands/api-keys.ts';
import { registerAudit } from './commands/audit.ts';
import { registerAuthorize } from './commands/authorize.ts';
import { registerConnectionCalls } from './commands/connection-calls.ts';
import { registerConnections } from './commands/connections.ts';
import { registerCredential } from './commands/credential.ts';
import { registerGrants } from './commands/grants.ts';
import { registerKeys } from './commands/keys.ts';
import { registerProfile } from './commands/profile.ts';
import { registerSweep } from './commands/sweep.ts';
import { registerWorkflows } from './commands/workflows.ts';
import { registerConnectionsAsCode } from './connections-as-code/register.ts';
import type { CommandContext, Register } from './context.ts';
import { registerDoctor } from './doctor/register.ts';
import { registerTransfer } from './transfer/register.ts';
import { readVersion } from './version.ts';

/** In the order of the help. */
const registrations: readonly Register[] = [
  registerProfile,
  registerConnections,
  registerAuthorize,
  registerCredential,
  registerConnectionCalls,
  registerGrants,
  registerWorkflows,
  registerAudit,
  registerApiKeys,
  registerKeys,
  registerSweep,
  registerConnectionsAsCode,
  registerTransfer,
  registerDoctor,
];

const examples = `
Start with:
  token-broker connections create gmail --provider google-gmail
  token-broker authorize gmail --wait
  token-broker credential gmail

serve, worker and migrate are commands of the service itself: npm start -- migrate`;

/** Builds the program. Each file of commands adds its own; their actions import what they need when they run. */
export function createProgram(context: CommandContext): Command {
  const { output } = context;
  const program = new Command('token-broker')
    .description('Command line of token-broker: OAuth connections, their grants and tokens.')
    .exitOverride()
    .configureOutput({ writeOut: output.raw, writeErr: (text) => output.say(text.trimEnd()) })
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
    .option('--no-color', 'print without colour (NO_COLOR)')
    .addHelpText('after', ({ command }) => (command.parent === null ? examples : ''));
  for (const register of registrations) register(program, context);
  return program;
}
