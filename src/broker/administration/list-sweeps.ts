import type { SweepStatus, SweepStore } from '../../domain/ports/maintenance/sweeps.ts';

/** Lists the sweeps that began last, newest first. */
export type ListSweeps = (limit: number) => Promise<SweepStatus[]>;

export function createListSweeps({ sweeps }: { sweeps: Pick<SweepStore, 'list'> }): ListSweeps {
  return (limit) => sweeps.list(limit);
}
