import { openMachine } from '../../../src/cli/doctor/facts/machine.ts';
import { relativeTime } from '../../../src/cli/output/relative-time.ts';
import type { Ground, Health, Readiness, Reply, Service } from '../../../src/doctor/ground.ts';
import { request } from '../../../src/doctor/request.ts';

/** 2030-01-31T12:00:00Z. */
export const noon = Date.UTC(2030, 0, 31, 12);

export interface GroundChanges extends Partial<Omit<Ground, 'read' | 'service'>> {
  environment?: Readonly<Record<string, string>>;
  dataDirectory?: { path: string } | null;
  keysBackup?: string | undefined;
  health?: Partial<Health>;
  readiness?: Partial<Readiness>;
  service?: Partial<Service & { state: 'answers' }> | { state: 'silent'; reason: string };
  /** Bodies by path. Other routes answer nothing. */
  routes?: Readonly<Record<string, unknown>>;
}

const unread = { isRead: false, found: 'not read', next: null } as const;

/** A healthy installation on this machine, with changes. */
export function createGround(planned: GroundChanges = {}): Ground {
  const { health, readiness, service, routes = {}, environment = {}, dataDirectory, keysBackup, ...changes } = planned;
  const answers: Service = {
    state: 'answers',
    health: {
      status: 'ok',
      version: '0.1.0',
      timestamp: new Date(noon).toISOString(),
      database: 'ok',
      queue: 'ok',
      queue_failure: null,
      workers: 1,
      last_sweep_at: new Date(noon).toISOString(),
      unsaved_tokens: 0,
      refresh_mode: 'on',
      ...health,
    },
    readiness: { database: true, migrated: true, key_proven: true, reason: null, ...readiness },
    clocks: { sentAt: noon, receivedAt: noon + 20, date: noon, timestamp: noon + 10 },
  };
  return {
    url: 'http://127.0.0.1:8080',
    isLocal: true,
    machine: openMachine({ environment, directory: '/', dataDirectory: dataDirectory?.path ?? null, keysBackup }),
    startFailures: [],
    service: service?.state === 'silent' ? service : { ...answers, ...service },
    access: { state: 'accepted', stats: { failing: { count: 0 } } },
    read: async <Body>(path: string): Promise<Reply<Body>> =>
      path in routes ? { isRead: true, body: routes[path] as Body } : unread,
    endpoints: async () => ({ isRead: true, body: [] }),
    publicUrl: async () => unread,
    request,
    ago: (time) => relativeTime(time),
    ...changes,
  };
}
