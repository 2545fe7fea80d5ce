import type { AuditMaintenance, AuditPartitions } from '../../domain/ports/maintenance/audit.ts';

/** Creates the coming partitions of the audit trail, and drops those that are past the retention. */
export type MaintainAudit = () => Promise<AuditMaintenance>;

export interface MaintainAuditDeps {
  partitions: AuditPartitions;
  clock: () => Date;
  retentionMs: number;
}

export function createMaintainAudit({ partitions, clock, retentionMs }: MaintainAuditDeps): MaintainAudit {
  return () => partitions.maintain(new Date(clock().getTime() - retentionMs));
}
