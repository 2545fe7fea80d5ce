/** Result of one round of maintenance. */
export interface AuditMaintenance {
  /** Names of the partitions created and dropped. */
  created: string[];
  dropped: string[];
  /** True if events lie in the partition for months without one of their own. */
  hasStrayEvents: boolean;
  /** False if old partitions remain: the database role may not drop them. */
  mayDrop: boolean;
}

/** Keeps the monthly partitions of the audit trail. */
export interface AuditPartitions {
  /**
   * Creates the partitions of the coming months, and drops those whose events are all older than `before`. Safe to run
   * in several processes at once. Throws service_unavailable, also if writers keep the lock for too long.
   */
  maintain(before: Date): Promise<AuditMaintenance>;
}
