import { z } from 'zod';
import { accessOf } from '../../domain/callers/access.ts';
import { declare } from '../declaration.ts';
import { queryInteger, queryText } from '../schemas/fields/text.ts';
import {
  dependency,
  dependencyList,
  dependentList,
  disabling,
  newDependency,
  workflow,
  workflowId,
  workflowList,
} from '../schemas/workflows.ts';
import { examples } from './examples.ts';
import { connectionParams } from './parameters.ts';

const params = z.object({ id: workflowId });
const page = z.object({
  limit: queryInteger({ min: 1, max: 200, default: 50 }).describe('Maximum entries on a page.'),
  cursor: queryText(1024).describe('next_cursor of the previous page.'),
});
const { dependency: aDependency, workflow: aWorkflow } = examples;
const enabled = { is_disabled: false, enabled_at: '2030-02-01T08:00:00.000Z', enabled_by: 'bootstrap' };

export const registerDependency = declare({
  operationId: 'registerDependency',
  tag: 'Workflows',
  summary: 'Register that a workflow depends on a connection',
  description:
    'Uses the organisation’s connection, otherwise the global one. May be repeated: a known dependency gets the name and the time of the access. A fetch with X-Workflow-Id registers by itself.',
  method: 'POST',
  path: '/workflows/{id}/dependencies',
  access: accessOf.registerDependency,
  params,
  body: newDependency,
  bodyExample: { connection_name: 'crm', workflow_name: 'Invoices' },
  responses: {
    200: { description: 'The dependency was known.', schema: dependency, example: aDependency },
    201: { description: 'Dependency registered.', schema: dependency, example: aDependency },
  },
  problems: ['connection_not_found'],
});

export const listDependencies = declare({
  operationId: 'listDependencies',
  tag: 'Workflows',
  summary: 'List the connections that a workflow depends on',
  description: 'An unknown workflow has none.',
  method: 'GET',
  path: '/workflows/{id}/dependencies',
  access: accessOf.listDependencies,
  params,
  query: page,
  responses: {
    200: {
      description: 'A page of dependencies, oldest connection first.',
      schema: dependencyList,
      example: { dependencies: [aDependency], next_cursor: null },
    },
  },
  problems: [],
});

export const listDependents = declare({
  operationId: 'listDependents',
  tag: 'Workflows',
  summary: 'List the workflows that depend on a connection',
  description: 'Lists workflows of the organisation only, also below a global connection.',
  method: 'GET',
  path: '/connections/{name}/dependents',
  access: accessOf.listDependents,
  params: connectionParams,
  query: page,
  responses: {
    200: {
      description: 'A page of dependent workflows, ordered by id.',
      schema: dependentList,
      example: { dependents: [aDependency], next_cursor: null },
    },
  },
  problems: ['connection_not_found'],
});

export const getWorkflow = declare({
  operationId: 'getWorkflow',
  tag: 'Workflows',
  summary: 'Check whether a workflow is disabled',
  description: 'Made for an engine to call before it runs a workflow. An unknown workflow is not disabled.',
  method: 'GET',
  path: '/workflows/{id}',
  access: accessOf.getWorkflow,
  params,
  responses: { 200: { description: 'State of the workflow.', schema: workflow, example: aWorkflow } },
  problems: [],
});

export const listDisabledWorkflows = declare({
  operationId: 'listDisabledWorkflows',
  tag: 'Workflows',
  summary: 'List the disabled workflows',
  method: 'GET',
  path: '/workflows/disabled',
  access: accessOf.listDisabledWorkflows,
  query: page,
  responses: {
    200: {
      description: 'A page of disabled workflows, ordered by id.',
      schema: workflowList,
      example: { workflows: [aWorkflow], next_cursor: null },
    },
  },
  problems: [],
});

export const disableWorkflow = declare({
  operationId: 'disableWorkflow',
  tag: 'Workflows',
  summary: 'Disable a workflow',
  description:
    'Fetches that name the workflow are refused at once in every process of the broker. A disabled workflow gets the new reason.',
  method: 'POST',
  path: '/workflows/{id}/disable',
  access: accessOf.disableWorkflow,
  params,
  body: disabling,
  bodyExample: { reason: 'Sends wrong invoices.' },
  responses: {
    200: {
      description: 'Workflow disabled.',
      schema: workflow,
      example: { ...aWorkflow, disabled_reason: 'Sends wrong invoices.', connection_name: null },
    },
  },
  problems: [],
});

export const enableWorkflow = declare({
  operationId: 'enableWorkflow',
  tag: 'Workflows',
  summary: 'Enable a workflow',
  description: 'May be repeated: a workflow that is not disabled stays as it is.',
  method: 'POST',
  path: '/workflows/{id}/enable',
  access: accessOf.enableWorkflow,
  params,
  responses: { 200: { description: 'Workflow enabled.', schema: workflow, example: { ...aWorkflow, ...enabled } } },
  problems: [],
});
