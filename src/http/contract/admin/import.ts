import { z } from 'zod';
import { accessOf } from '../../../domain/callers/access.ts';
import { declare } from '../../declaration.ts';
import { ndjson } from '../../schemas/admin/audit-events.ts';
import { importLine, importOutput } from '../../schemas/admin/import.ts';
import { queryBoolean } from '../../schemas/fields/text.ts';

export const importGrants = declare({
  operationId: 'importGrants',
  tag: 'Administration',
  summary: 'Import many grants',
  description:
    'Takes any number of lines, each one grant with the fields of a single import, at most 256 KiB long. Writes the result of each line in their order while the request is still being sent, so a client must read while it writes. The last line is the summary with done true. If the import ends early, the last line is `{"error": …}` with a problem, or the response is cut: the lines with a result are stored, the rest may be. The next line must arrive within 30 seconds of the result of the line before; a blank line keeps the import open. Sending the same lines again is safe: a line whose tokens are stored is unchanged. Needs every organisation and the global scope.',
  method: 'POST',
  path: '/admin/import',
  access: accessOf.importGrants,
  query: z.object({
    dry_run: queryBoolean(false).describe(
      'Writes nothing and says what would happen to each line, compared with the stored grants. Nothing is verified.',
    ),
    replace: queryBoolean(false).describe(
      'Also replaces working grants that hold other tokens. A grant that does not work is always replaced.',
    ),
    verify: queryBoolean(false).describe(
      'Refreshes or probes the first grant of each connection before the next is stored. If it fails, the later lines of the connection fail with verification_failed, so that a wrong client spends no further tokens.',
    ),
  }),
  lines: { mediaType: ndjson, schema: importLine },
  bodyExample: {
    connection_name: 'crm',
    organization_id: 'acme',
    subject: 'user-1',
    refresh_token: 'the-refresh-token',
  },
  responses: {
    200: {
      description: 'A result for each line, then the summary.',
      schema: importOutput,
      mediaType: ndjson,
      example: {
        line: 1,
        action: 'created',
        code: null,
        errors: [],
        grant_id: '0198f2a6-7c1e-7000-8000-000000000000',
      },
    },
  },
  problems: ['unsupported_media_type', 'service_unavailable'],
});
