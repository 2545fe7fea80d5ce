import { z } from 'zod';
import type { ChangePreview } from '../../broker/connections/change-preview.ts';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { isSame } from '../../domain/connections/edit.ts';
import { type connectionDetail, toDetail } from './connections.ts';
import { warnings } from './grant-state.ts';

const value = z
  .union([z.string(), z.boolean(), z.array(z.string()), z.record(z.string(), z.string())])
  .nullable()
  .describe('Value as the connection’s detail shows it; null for none.');

export const changePreview = z
  .object({
    changes: z
      .array(
        z.union([
          z.object({ field: z.string(), from: value, to: value }),
          z.object({
            field: z.literal('client_secret'),
            changed: z.literal(true),
            fingerprint: z
              .string()
              .nullable()
              .describe('Keyed hash of the new secret, with which two plans can be compared. Null: the secret goes.'),
          }),
        ]),
      )
      .describe('Fields whose value would change. Values of secrets are never shown.'),
    effects: z.object({
      grants_disconnected: z.number().int().describe('Working grants that would lose their tokens.'),
      organizations_disconnected: z
        .number()
        .int()
        .describe('Organisations that own these grants; the global scope counts as one.'),
      authorizations_voided: z.number().int().describe('Pending authorizations that would become void.'),
      workflows_disabled: z.number().int(),
      revoked_at_provider: z.boolean().describe('Whether tokens would be sent to the provider’s revocation endpoint.'),
      client_secret_required: z
        .boolean()
        .describe('True if the call would be refused because client_secret is missing in the request.'),
    }),
    warnings,
  })
  .meta({ id: 'ChangePreview', description: 'What the call would do without dry_run.' });

/** Writable fields of a connection, in the order of the detail. Secrets are listed apart. */
const fields = [
  'connection_name',
  'provider',
  'oauth_flow_type',
  'client_id',
  'authorization_url',
  'token_url',
  'revocation_url',
  'test_url',
  'token_auth_method',
  'variables',
  'scopes',
  'authorize_params',
  'token_params',
  'multi_account',
  'share_with_organizations',
  'allow_import',
  'pkce',
  'terminal_errors',
  'error_path',
  'description',
  'managed_by',
] as const satisfies readonly (keyof z.input<typeof connectionDetail>)[];

/** `viewer` is the organisation that owns the connection: it sees every parameter. */
export function toPreview(
  { before, after, changesSecret, secretFingerprint, effects }: ChangePreview,
  viewer: OrganizationId,
): z.input<typeof changePreview> {
  const valuesOf = (view: ConnectionView | null) => (view === null ? null : toDetail(view, viewer));
  const [old, next] = [valuesOf(before), valuesOf(after)];
  const changed = fields
    .map((field) => ({ field, from: old?.[field] ?? null, to: next?.[field] ?? null }))
    .filter(({ from, to }) => !isSame(from, to));
  const fingerprint = secretFingerprint && Buffer.from(secretFingerprint).toString('base64url');
  const secret = { field: 'client_secret' as const, changed: true as const, fingerprint };
  return {
    changes: [...changed, ...(changesSecret ? [secret] : [])],
    effects: {
      grants_disconnected: effects.grantsDisconnected,
      organizations_disconnected: effects.organizationsDisconnected,
      authorizations_voided: effects.authorizationsVoided,
      workflows_disabled: effects.workflowsDisabled,
      revoked_at_provider: effects.revokedAtProvider,
      client_secret_required: effects.clientSecretRequired,
    },
    warnings: after?.warnings ?? [],
  };
}
