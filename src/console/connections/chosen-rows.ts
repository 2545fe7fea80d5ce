import { z } from 'zod';
import { connectionNamePattern, organizationIdPattern } from '../../domain/connections/connection.ts';
import type { ConnectionPlace } from '../../domain/console/console-pages.ts';
import { checked, texts } from '../server/forms.ts';
import { actNames } from './bulk-acts.ts';
import { pageSize } from './read-list.ts';

/** Value of a row's checkbox: organisation and name. The separator is in neither. */
export function rowValue({ name, organizationId }: ConnectionPlace): string {
  return `${organizationId ?? ''}/${name}`;
}

const rows = texts.transform((values, context): ConnectionPlace[] =>
  [...new Set(values)].flatMap((value) => {
    const [organizationId = '', name = '', ...rest] = value.split('/');
    const isRow =
      rest.length === 0 &&
      connectionNamePattern.test(name) &&
      (organizationId === '' || organizationIdPattern.test(organizationId));
    if (isRow) return [{ name, organizationId: organizationId || null }];
    context.addIssue({ code: 'custom', message: 'names no connection' });
    return [];
  }),
);

/** An act on several rows. `all` takes every row that the page has shown. */
export const bulkForm = z
  .object({ act: z.enum(actNames), all: checked, rows, shown: rows })
  .transform(({ act, all, rows, shown }) => ({ act, rows: all ? shown : rows }))
  .refine(({ rows }) => rows.length > 0, { path: ['rows'], message: 'are empty. Go back and choose connections' })
  .refine(({ rows }) => rows.length <= pageSize, { path: ['rows'], message: `are more than ${pageSize}` });
