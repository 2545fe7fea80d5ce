import { createDisableWorkflow } from '../workflows/disable-workflow.ts';
import { createEnableWorkflow } from '../workflows/enable-workflow.ts';
import { createGetWorkflow } from '../workflows/get-workflow.ts';
import { createListDependencies } from '../workflows/list-dependencies.ts';
import { createListDependents } from '../workflows/list-dependents.ts';
import { createListDisabled } from '../workflows/list-disabled.ts';
import { createRegisterDependency } from '../workflows/register-dependency.ts';
import type { BrokerPorts } from './broker-ports.ts';

/** Builds the use cases of workflows. */
export function createWorkflows({ database, clock }: Pick<BrokerPorts, 'database' | 'clock'>) {
  return {
    registerDependency: createRegisterDependency({ database, clock }),
    listDependencies: createListDependencies({ database }),
    listDependents: createListDependents({ database }),
    getWorkflow: createGetWorkflow({ database }),
    listDisabledWorkflows: createListDisabled({ database }),
    disableWorkflow: createDisableWorkflow({ database, clock }),
    enableWorkflow: createEnableWorkflow({ database, clock }),
  };
}
