import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { Stores, TransactionStores } from '../../../src/domain/ports/stores.ts';
import type { PageRequest } from '../../../src/domain/ports/workflows.ts';
import { anEvent } from '../../support/builders/refreshed.ts';

/** Runs every operation of the writer of workflows, and those of the reader inside its transaction. */
export async function writeWorkflows(workflows: TransactionStores['workflows'], connection: Connection): Promise<void> {
  const at = new Date();
  const id = v7();
  await workflows.register(connection, { id, name: 'Invoices' }, at);
  await workflows.disable(id, { reason: 'No.', by: 'bootstrap', at });
  await workflows.enable(id, { by: 'bootstrap', at });
  const eventOf = () => anEvent(connection, v7());
  await workflows.disableDependents(connection.id, { reason: 'No.', by: 'bootstrap', at, eventOf });
  await readWorkflows(workflows, connection);
}

/** Runs every operation of the reader of workflows. */
export async function readWorkflows(workflows: Stores['workflows'], { id }: Connection): Promise<void> {
  const walks = [
    (page: PageRequest) => workflows.listDependencies('w', page),
    (page: PageRequest) => workflows.listOwnDependents(id, page),
    (page: PageRequest) => workflows.listDisabled(page),
  ];
  for (const list of walks) await list({ limit: 1 });
  await workflows.listDependents(id);
  await workflows.countEnabledDependents(id);
  await workflows.find('w');
}
