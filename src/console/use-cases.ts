import type { ApiKeyUseCases } from './api-keys/api-key-pages.ts';
import type { AuditPagesUseCases } from './audit/audit-pages.ts';
import type { ConnectionPageUseCases } from './connection/connection-pages.ts';
import type { BulkUseCases, ConnectionListUseCases } from './connections/connections-pages.ts';
import type { DeletionUseCases } from './deletion/delete-pages.ts';
import type { GrantEndingUseCases } from './deletion/grant-ending-pages.ts';
import type { EditingUseCases } from './editing/editing-pages.ts';
import type { EncryptionUseCases } from './encryption/encryption-pages.ts';
import type { ExplainUseCases } from './explain/explain-pages.ts';
import type { GrantsPagesUseCases } from './grants/grants-pages.ts';
import type { ExamineUseCases } from './operations/examine.ts';
import type { OverviewUseCases } from './overview/overview-pages.ts';
import type { SessionListUseCases } from './sessions/sessions-pages.ts';
import type { SharingUseCases } from './sharing/share-pages.ts';
import type { SessionUseCases } from './sign-in/entrance.ts';
import type { SweepPageUseCases } from './sweeps/sweeps-pages.ts';
import type { WorkflowUseCases } from './workflows/workflow-pages.ts';

/** Everything that the pages call: the use cases of the API. The broker has them all. */
export type ConsoleUseCases = SessionUseCases &
  SessionListUseCases &
  ConnectionListUseCases &
  ConnectionPageUseCases &
  SharingUseCases &
  BulkUseCases &
  WorkflowUseCases &
  ApiKeyUseCases &
  EncryptionUseCases &
  ExamineUseCases &
  EditingUseCases &
  DeletionUseCases &
  GrantEndingUseCases &
  OverviewUseCases &
  SweepPageUseCases &
  GrantsPagesUseCases &
  ExplainUseCases &
  AuditPagesUseCases;
