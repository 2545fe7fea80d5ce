import type { Register } from '../context.ts';

const sources = ['nango', 'n8n', 'vault-oauthapp'] as const;

export const registerTransfer: Register = (program, context) => {
  program
    .command('import [file]')
    .description('import grants: a JSON line each, or from another system; - reads stdin')
    .option('--from <system>', `system that the grants come from: ${sources.join(', ')}`)
    .option('--dry-run', 'store nothing, and say what would happen')
    .option('--verify', 'refresh the first grant of each connection, and stop the connection if it fails')
    .option('--replace', 'also replace working grants that hold other tokens')
    .option('--identity <file>', 'private key that opens sealed lines: an age identity or a JWK')
    .option('--refresh-stopped', 'say that the other system no longer refreshes the tokens')
    .option('--nango-url <url>', 'address of the Nango API', 'https://api.nango.dev')
    .option('--nango-key-file <file>', 'file with the Nango API key (NANGO_SECRET_KEY)')
    .option('--integration <key...>', 'only these integrations of Nango')
    .option('--subject <kind>', 'subject of a Nango connection: connection-id or end-user', 'connection-id')
    .option('--client-secrets <file>', 'JSON file with the client secret of each server of Vault oauthapp')
    .action(async (file, options) => (await import('./import-command.ts')).importCommand(context, file, options));
  program
    .command('export')
    .description('print a JSON line for each grant, without secrets')
    .option('--connection <name>', 'only grants of connections with this name')
    .option('--recipient <key>', 'seal the access tokens to this key: age1…, or a file with it or with a public JWK')
    .option('--connections', 'write the connections as a file for plan and apply instead')
    .option('--out <file>', 'file of --connections; default: stdout')
    .action(async ({ connections, ...options }) => {
      if (connections !== true) return (await import('./export-command.ts')).exportCommand(context, options);
      return (await import('../connections-as-code/export-connections.ts')).exportConnections(context, options);
    });
};
