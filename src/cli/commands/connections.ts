import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { collectPairs, flowOption, secretSource, statusOption } from './option-values.ts';

export const registerConnections: Register = (program, context) => {
  const connections = program.command('connections').description('named OAuth clients, and what they are worth now');
  connections
    .command('list')
    .description('list the connections of the organisation, or the global ones')
    .addOption(statusOption())
    .option('--provider <id>', 'only those of this provider')
    .addOption(flowOption('only those of this flow'))
    .option('--query <text>', 'only those with this text in name or description')
    .option('--own', 'leave out global connections')
    .action(async (options) => (await import('./connections/list.ts')).listConnections(context, options));
  connections
    .command('show <name>')
    .description('show a connection')
    .action(async (name) => (await import('./connections/show.ts')).showConnection(context, name));
  withFields(connections.command('create <name>'))
    .description('create a connection; a terminal is asked for what is missing')
    .option('--no-client-secret', 'the client has no secret')
    .option('--dry-run', 'show what would happen')
    .action(async (name, options) =>
      (await import('./connections/create.ts')).createConnection(context, name, options),
    );
  withFields(connections.command('edit <name>'))
    .description('change the named fields of a connection')
    .option('--unset <field...>', 'fields that return to their defaults, such as description')
    .option('--dry-run', 'show what would happen')
    .action(async (name, options) => (await import('./connections/edit.ts')).editConnection(context, name, options));
  connections
    .command('delete <name>')
    .description('delete a connection with its grants')
    .option('--disable-workflows', 'with --yes: disable the workflows that use it')
    .option('--dry-run', 'show what would happen')
    .action(async (name, options) =>
      (await import('./connections/delete.ts')).deleteConnection(context, name, options),
    );
};

/** Options for the fields of a connection. Their names are those of the API. */
function withFields(command: Command): Command {
  return command
    .option('--provider <id>', 'template of a provider, such as google-gmail')
    .addOption(flowOption('flow of the connection'))
    .option('--client-id <id>', 'id of the OAuth client at the provider')
    .option('--client-secret [source]', 'ask for it; or read it from stdin (-) or a file', secretSource)
    .option('--authorization-url <url>')
    .option('--token-url <url>')
    .option('--revocation-url <url>')
    .option('--test-url <url>')
    .option('--scopes <list>', 'separated by spaces or commas')
    .option('--token-auth-method <method>', 'how the client proves itself, such as client_secret_post')
    .option('--variable <name=value>', 'variable of a template’s URLs; may be repeated', collectPairs)
    .option('--authorize-param <name=value>', 'parameter of the authorization request; may be repeated', collectPairs)
    .option('--token-param <name=value>', 'parameter of token requests; may be repeated', collectPairs)
    .option('--multi-account', 'several accounts a subject')
    .option('--no-multi-account')
    .option('--share-with-organizations', 'organisations use the grants of this global connection')
    .option('--no-share-with-organizations')
    .option('--allow-import', 'organisations may import grants')
    .option('--no-allow-import')
    .option('--pkce', 'send PKCE')
    .option('--no-pkce')
    .option('--terminal-error <code...>', 'errors of the provider that end a grant')
    .option('--error-path <path>', 'place of the error in responses of the provider')
    .option('--description <text>');
}
