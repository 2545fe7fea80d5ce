import type { ConnectionInput } from '../../console/editing/connection-input.ts';
import { etagOf } from '../../http/etag.ts';
import { toPreview } from '../../http/schemas/change-preview.ts';
import { connectionPatch, newConnection, toMerge, toNewConnection } from '../../http/schemas/connection-input.ts';
import { readBody } from '../../http/validation/read-body.ts';

/** Lends the rules of the API to the forms of the console: both read the same body in the same way. */
export const connectionInput: ConnectionInput = {
  readNew: (body) => toNewConnection(readBody(newConnection, body)),
  readMerge: (body) => toMerge(readBody(connectionPatch, body)),
  changesOf: (preview, viewer) => toPreview(preview, viewer).changes,
  etagOf,
};
