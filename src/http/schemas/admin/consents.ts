import { z } from 'zod';
import { type Consent, consentEnds, consentOrigins } from '../../../domain/grants/consent.ts';
import { isoOrNull, time, timeOrNull } from '../fields/text.ts';

export const consents = z
  .array(
    z
      .object({
        how: z.enum(consentOrigins),
        actor: z.string().describe('Caller that imported the tokens or started the authorization.'),
        address: z.string().nullable().describe('Address of the person’s browser, or of the caller.'),
        subject: z.string().nullable(),
        account_id: z.string().nullable(),
        account_name: z.string().nullable(),
        scopes: z.array(z.string()).describe('Granted scopes.'),
        at: time,
        ended_at: timeOrNull,
        ended_by: z
          .enum(consentEnds)
          .nullable()
          .describe('disconnected: an edit of the connection dropped the tokens.'),
        ended_actor: z.string().nullable(),
        id: z.string(),
        replaced_by: z.string().nullable().describe('Id of the consent that replaced this one.'),
      })
      .meta({ id: 'Consent' }),
  )
  .describe('Who connected the grant, when, with which scopes and from where; newest first, at most 100.');

export function fromConsent(consent: Consent): z.input<typeof consents>[number] {
  const { end } = consent;
  return {
    id: consent.id,
    how: consent.how,
    actor: consent.actor,
    address: consent.address,
    subject: consent.subject,
    account_id: consent.accountId,
    account_name: consent.accountName,
    scopes: consent.scopes,
    at: consent.at.toISOString(),
    ended_at: isoOrNull(end?.at),
    ended_by: end?.by ?? null,
    ended_actor: end?.actor ?? null,
    replaced_by: end?.replacedBy ?? null,
  };
}
