import { z } from 'zod';
import { connectionName } from '../schemas/fields/text.ts';

export const connectionParams = z.object({ name: connectionName.describe('Name of the connection.') });

/** Id or state without a checked format: a malformed value is answered like an unknown one. */
export const opaque = z.string().max(512);
