import { type Caller, permissions } from './caller.ts';

/** The caller that presents ADMIN_API_KEY. It has every right. */
export const bootstrapCaller: Caller = {
  id: 'bootstrap',
  name: 'bootstrap',
  permissions,
  organizations: '*',
  global: true,
  connections: null,
  expiresAt: null,
  rateLimitPerMinute: null,
};
