import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CliRun, runCli } from '../support/cli/run-in-process.ts';
import { type Service, uniqueName } from './service.ts';

export interface Declared {
  connection_name: string;
  [field: string]: unknown;
}

/** A folder with a file of connections, for one scope of the service. */
export interface Workplace {
  directory: string;
  organization: string | undefined;
  environment: Record<string, string>;
  /** Writes connections.yaml, or another file. */
  write(connections: readonly Declared[] | string, file?: string): void;
  /** Runs a command of the command line in the folder. */
  cli(...args: string[]): Promise<CliRun>;
  read(name: string): Promise<Record<string, unknown>>;
  /** Actions on the connections of the scope, oldest first. */
  changes(): Promise<string[]>;
}

const urls = { authorization_url: 'https://provider.example/a', token_url: 'https://provider.example/t' };

/** A connection of the file with these fields. */
export const declare = (name: string, fields: Record<string, unknown> = {}): Declared => ({
  connection_name: name,
  client_id: 'a-client',
  ...urls,
  ...fields,
});

/** Placeholder of a variable. */
export const variable = (name: string) => `\${${name}}`;

/** Opens a workplace of an organisation that no other test uses, or of the one that is named. */
export function openWorkplace(service: Service, organization: string | undefined = uniqueName('org')): Workplace {
  const directory = mkdtempSync(join(tmpdir(), 'connections-'));
  const environment: Record<string, string> = {
    HOME: directory,
    TOKEN_BROKER_URL: service.broker.url,
    TOKEN_BROKER_KEY: service.stack.adminKey(),
    ...(organization === 'global' ? {} : { TOKEN_BROKER_ORGANIZATION: organization }),
  };
  const scope = organization === 'global' ? undefined : organization;
  return {
    directory,
    organization: scope,
    environment,
    write(connections, file = 'connections.yaml') {
      const text = typeof connections === 'string' ? connections : JSON.stringify(connections, null, 1);
      writeFileSync(join(directory, file), text);
    },
    cli: (...args) => runCli(args, { environment, directory }),
    read: async (name) => (await service.api.get(`/connections/${name}`, { organization: scope })).body,
    async changes() {
      const path = `/admin/audit-events?limit=200&organization_id=${scope}`;
      const events = (await service.api.get(path)).body.audit_events as { action: string; connection_name: string }[];
      const changes = events.filter(({ action }) => action.startsWith('connection.'));
      return changes.map(({ action, connection_name: name }) => `${action} ${name}`).toReversed();
    },
  };
}

export function closeWorkplace({ directory }: Workplace): void {
  rmSync(directory, { recursive: true, force: true });
}
