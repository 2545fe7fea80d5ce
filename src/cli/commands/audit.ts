import type { Register } from '../context.ts';
import { outcomeOption, pastTime, wholeNumber } from './option-values.ts';

export const registerAudit: Register = (program, context) => {
  program
    .command('audit')
    .description('show what happened, oldest first')
    .option('--actor <name>', 'only events of this caller')
    .option('--action <action>', 'only events of this kind, such as grant.refresh_failed')
    .option('--connection <name>', 'only events of this connection')
    .option('--grant <id>', 'only events of this grant')
    .addOption(outcomeOption())
    .option('--from <time>', 'only events since this time, or since an age such as 2h', pastTime)
    .option('--to <time>', 'only events before this time or age', pastTime)
    .option('--limit <count>', 'number of the latest events', wholeNumber, 50)
    .option('--all', 'all events, as lines of JSON')
    .option('-f, --follow', 'go on with new events until Ctrl-C')
    .action(async (options) => (await import('./audit/audit.ts')).audit(context, options));
};
