import type { NewConnection } from '../../../client/token-broker.ts';
import type { ImportReport } from '../import-report.ts';
import type { SourceLine } from '../lines/source-line.ts';
import type { EnsureConnection, Ensured } from './ensure-connection.ts';
import type { Item } from './item.ts';

export interface MigrationDeps {
  ensure: EnsureConnection;
  report: ImportReport;
  /** Replaces the organisation of every grant. */
  organization: string | undefined;
}

/**
 * Creates the connections of the items, and yields a line for each grant once its connection is there. Reports the items
 * that become nothing, among them the grants of a connection that is refused.
 */
export async function* migrate(
  items: AsyncIterable<Item>,
  { ensure, report, organization }: MigrationDeps,
): AsyncGenerator<SourceLine[]> {
  let line = 0;
  for await (const item of items) {
    if (item.kind === 'unmapped') {
      report.addUnmapped(item);
      continue;
    }
    const { from, connection } = item;
    const ensured = await ensure(connection);
    noteStep(report, connection, ensured);
    if (ensured.state === 'created' && ensured.firstTokenFault !== undefined) {
      report.addUnmapped({ from, reason: `its first token failed: ${ensured.firstTokenFault}`, isFailure: true });
    }
    if (ensured.state === 'refused') report.addUnmapped({ from, reason: ensured.reason, isFailure: true });
    if (item.kind === 'connection' || ensured.state === 'refused') continue;
    if (ensured.state === 'planned') {
      // Without its connection the broker cannot compare the line with anything: the grant would be new.
      report.add({ line: ++line, from, action: 'created', code: null, errors: [], grant_id: null });
      continue;
    }
    const grant = organization === undefined ? item.grant : { ...item.grant, organization_id: organization };
    yield [{ line: ++line, from, content: JSON.stringify(grant) }];
  }
}

function noteStep(report: ImportReport, connection: NewConnection, ensured: Ensured): void {
  const { connection_name: name, oauth_flow_type: flow } = connection;
  if (ensured.state === 'planned') report.addStep(`The connection ${name} would be created.`);
  if (ensured.state !== 'created') return;
  const uri = flow === 'client_credentials' ? '' : ` Register ${ensured.redirectUri} at its provider.`;
  report.addStep(`The connection ${name} was created.${uri}`);
}
