import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { Consent } from '../../../../src/domain/grants/consent.ts';
import { type ConsentWriter, maxConsentsListed } from '../../../../src/domain/ports/audit.ts';
import type { MemoryRows } from './state.ts';

export function createMemoryConsents(rows: MemoryRows, organizationId: OrganizationId): ConsentWriter {
  const endWhere = (isMeant: (consent: Consent) => boolean, end: NonNullable<Consent['end']>) => {
    rows.consents = rows.consents.map((each) => (each.end === null && isMeant(each) ? { ...each, end } : each));
  };
  return {
    async begin(consent) {
      const { grantId, actor, at, id } = consent;
      endWhere((each) => each.grantId === grantId, { at, by: 'replaced', actor, replacedBy: id });
      rows.consents.push({ ...consent, organizationId, end: null });
    },
    async end(grantId, ending) {
      const isMeant = (each: Consent) => each.grantId === grantId && each.organizationId === organizationId;
      endWhere(isMeant, { ...ending, replacedBy: null });
    },
    async endAllOf(connectionId, ending) {
      const owner = rows.connections.get(connectionId)?.organizationId;
      if (owner !== organizationId) return;
      endWhere((each) => each.connectionId === connectionId, { ...ending, replacedBy: null });
    },
  };
}

export function listConsents({ consents }: MemoryRows, grantId: string): Consent[] {
  const own = consents.filter((each) => each.grantId === grantId);
  return own.sort((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : -1)).slice(0, maxConsentsListed);
}
