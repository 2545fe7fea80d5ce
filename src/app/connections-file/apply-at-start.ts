import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Logger } from 'pino';
import type { Broker } from '../../broker/assembly/create-broker.ts';
import { secretVariables } from '../../config/secret-files.ts';
import { type Config, readEnvironment } from '../../config.ts';
import { applyPlan } from '../../connections-file/apply-plan.ts';
import type { SecretSources } from '../../connections-file/placeholders.ts';
import { type Plan, planConnections } from '../../connections-file/plan-connections.ts';
import {
  type DeclaredConnection,
  type FileFault,
  readConnectionsFile,
} from '../../connections-file/read-connections-file.ts';
import { createSecretSources } from '../../connections-file/secret-sources.ts';
import { type Actor, permissions } from '../../domain/callers/caller.ts';
import { isBrokerError } from '../../domain/errors.ts';
import { newConnection, toNewConnection } from '../../http/schemas/connection-input.ts';
import { faultsInDeclared } from '../../http/schemas/connections-file.ts';
import type { StartupStep } from '../startup.ts';
import { createBrokerTarget } from './broker-target.ts';

export interface ConnectionsFile {
  /** Reads the file before anything else of the start. */
  read: StartupStep;
  /** Applies the file once the stores are open. Connections that are no longer in it stay. */
  apply: StartupStep;
  /** The process is not ready before. */
  isApplied(): boolean;
}

/** The service itself, in the global scope: the file holds global connections. */
const actor: Actor = {
  caller: {
    id: 'connections_file',
    name: 'connections file',
    permissions,
    organizations: [],
    global: true,
    connections: null,
    expiresAt: null,
    rateLimitPerMinute: null,
  },
  organizationId: null,
  trace: { requestId: null, address: null },
};

function sourcesOf(dataDir: string): SecretSources {
  const environment = readEnvironment();
  const files = secretVariables.flatMap((name) => environment[`${name}_FILE`] ?? []);
  const fault = 'is a secret of the service itself';
  return createSecretSources({ environment, own: { variables: secretVariables, files, dataDir, fault } });
}

/** Prepares the application of CONNECTIONS_FILE. Both steps throw one error with every fault. */
export function openConnectionsFile(
  { connectionsFile: path, dataDir }: Pick<Config, 'connectionsFile' | 'dataDir'>,
  broker: Broker,
  log: Pick<Logger, 'info'>,
): ConnectionsFile | undefined {
  if (path === null) return undefined;
  let isApplied = false;
  const managedBy = basename(path);
  let declared: readonly DeclaredConnection[] = [];
  return {
    isApplied: () => isApplied,
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        throw new Error(`CONNECTIONS_FILE ${path} cannot be read (${error.code})`);
      });
      const { connections, faults } = readConnectionsFile(text, sourcesOf(dataDir), (fields) =>
        checkFields(broker, fields),
      );
      if (faults.length > 0) throw faultyFile(path, faults);
      declared = connections;
    },
    async apply() {
      const target = createBrokerTarget(broker, actor);
      const { plan, faults } = await planConnections(target, declared, { managedBy, prune: false });
      const all = [...faults, ...endingFaults(plan, declared)];
      if (all.length > 0) throw faultyFile(path, all);
      const results = await applyPlan(target, plan, declared);
      const failed = results.flatMap((result) => (result.outcome === 'failed' ? [result] : []));
      if (failed.length > 0) {
        throw faultyFile(
          path,
          failed.map(({ connection_name: name, refusal }) => ({
            ...positionOf(declared, name),
            message: `${name}: ${refusal.message}`,
          })),
        );
      }
      const count = (action: string) => plan.steps.filter((step) => step.action === action).length;
      const counts = { created: count('create'), changed: count('change'), unchanged: plan.unchanged };
      log.info({ file: managedBy, ...counts }, 'connections file applied');
      isApplied = true;
    },
  };
}

function checkFields({ checkSettings }: Broker, fields: Readonly<Record<string, unknown>>) {
  const faults = faultsInDeclared(fields);
  if (faults.length > 0) return faults;
  const { settings, clientSecret } = toNewConnection(newConnection.parse(fields));
  try {
    // The stored secret of an existing connection stays if the file names none.
    checkSettings(settings, clientSecret ?? 'kept');
    return [];
  } catch (error) {
    if (isBrokerError(error, 'invalid_request')) return error.details.errors;
    throw error;
  }
}

/** A start has no person who could confirm the plan, so it ends no grants. */
function endingFaults({ steps }: Plan, declared: readonly DeclaredConnection[]): FileFault[] {
  return steps.flatMap(({ connection_name: name, effects: { grants_disconnected: grants } }) => {
    if (grants === 0) return [];
    const message = `${name}: the change disconnects ${grants} working grants. Apply the file through the API with confirm_disconnect=true first`;
    return [{ ...positionOf(declared, name), message }];
  });
}

function positionOf(declared: readonly DeclaredConnection[], name: string) {
  return declared.find((each) => each.name === name)?.positionOf('connection_name') ?? { line: 1, column: 1 };
}

function faultyFile(path: string, faults: readonly FileFault[]): Error {
  const lines = faults.map(({ line, column, message }) => `  ${line}:${column} ${message}`);
  return new Error(`CONNECTIONS_FILE ${path} cannot be applied:\n${lines.join('\n')}`);
}
