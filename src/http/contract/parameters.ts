import { z } from 'zod';
import { connectionName } from '../schemas/text.ts';

export const connectionParams = z.object({ name: connectionName.describe('The connection’s name.') });

/** Opaque: whatever has the wrong form simply does not exist. */
export const opaque = z.string().max(512);
