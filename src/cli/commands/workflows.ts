import type { Register } from '../context.ts';

export const registerWorkflows: Register = (program, context) => {
  const workflows = program.command('workflows').description('workflows that use connections');
  const reads = () => import('./workflows/read.ts');
  const changes = () => import('./workflows/change.ts');
  workflows
    .command('disabled')
    .description('list the disabled workflows')
    .action(async () => (await reads()).listDisabled(context));
  workflows
    .command('show <id>')
    .description('show a workflow')
    .action(async (id) => (await reads()).showWorkflow(context, id));
  workflows
    .command('dependencies <id>')
    .description('list the connections that a workflow uses')
    .action(async (id) => (await reads()).listDependencies(context, id));
  workflows
    .command('dependents <connection>')
    .description('list the workflows that use a connection')
    .action(async (name) => (await reads()).listDependents(context, name));
  workflows
    .command('register <id> <connection>')
    .description('say that a workflow uses a connection')
    .option('--workflow-name <text>', 'name of the workflow')
    .action(async (id, name, options) => (await changes()).register(context, id, name, options));
  workflows
    .command('disable <id>')
    .description('refuse credentials to a workflow')
    .requiredOption('--reason <text>', 'text that the workflow’s owner sees')
    .action(async (id, options) => (await changes()).disable(context, id, options));
  workflows
    .command('enable <id>')
    .description('serve credentials to a workflow again')
    .action(async (id) => (await changes()).enable(context, id));
};
