import type { RefreshSiblings } from '../../../src/broker/maintenance/refresh-siblings.ts';

/** For grants that have no second token set. */
export const noSiblings: RefreshSiblings = {
  due: async () => [],
  ahead: async () => [],
  onDemand: async () => [],
  behind: () => {},
};
