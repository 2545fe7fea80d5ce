import { z } from 'zod';
import type { Fault } from '../../domain/errors.ts';
import { explain, faultsOf } from '../validation/faults.ts';
import { newConnection } from './connection-input.ts';

/** A connection of connections.yaml: the body of a creation without the member that says where it is kept. */
const declaredConnection = newConnection.omit({ managed_by: true });
const names = Object.keys(declaredConnection.shape);

/** Form of connections.yaml, for editors. */
export const connectionsFile = z
  .array(declaredConnection)
  .describe(
    `Connections of one organisation or of the global scope, with the fields of the API. Only client_secret takes placeholders: \${NAME} for a variable, \${file:/path} for a file.`,
  );

/** Lists the faults of one connection, by dotted paths. */
export function faultsInDeclared(fields: Readonly<Record<string, unknown>>): Fault[] {
  const parsed = declaredConnection.safeParse(fields, { error: explain });
  return parsed.success ? [] : faultsOf(parsed.error.issues, '', names);
}
