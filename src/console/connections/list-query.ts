import { z } from 'zod';
import { flows } from '../../domain/connections/connection.ts';
import { grantStatuses } from '../../domain/grants/grant.ts';
import { optionalChoice, optionalText, organizationField } from '../server/forms.ts';

/** Filters of the list, as they stand in the address. */
export const listQuery = z.object({
  q: optionalText,
  status: optionalChoice(grantStatuses),
  provider: optionalText,
  flow: optionalChoice(flows),
  organization: organizationField,
  cursor: optionalText,
});
export type ListQuery = z.output<typeof listQuery>;
