import type { GrantStatus, StatusReason } from '../../client/types/vocabulary.ts';
import type { Format } from '../output/style.ts';

interface HasStatus {
  status: GrantStatus;
  status_reason: StatusReason | null;
}

export function statusText({ status, status_reason: reason }: HasStatus): string {
  return reason === null ? status : `${status} (${reason})`;
}

const formats: Readonly<Record<GrantStatus, Format | undefined>> = {
  completed: 'green',
  failed: 'red',
  waiting_callback: 'yellow',
  testing: 'yellow',
  not_connected: undefined,
};

export function statusFormat({ status }: HasStatus): Format | undefined {
  return formats[status];
}
