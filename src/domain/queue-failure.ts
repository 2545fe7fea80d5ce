/** Reasons why the queue does not work. `unreachable` covers every reason that the server did not state. */
export const queueFailures = [
  'unreachable',
  'out_of_memory',
  'read_only',
  'no_permission',
  'authentication',
  'snapshot_failed',
  'disk_full',
  'starting',
  'busy',
  'cluster',
] as const;

export type QueueFailure = (typeof queueFailures)[number];
