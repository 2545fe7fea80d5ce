import { z } from 'zod';
import { connectionNamePattern } from '../../domain/connections/connection.ts';

/** Address of one grant. An id without the form of one is answered like an unknown one. */
export const grantParams = z.object({
  name: z.string().regex(connectionNamePattern, 'is not a connection name'),
  grant_id: z.string().max(100),
});
