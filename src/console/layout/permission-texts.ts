import type { Permission } from '../../domain/callers/caller.ts';

export interface PermissionText {
  /** Right in few words, for lists. */
  words: string;
  /** One sentence. */
  meaning: string;
}

/** Meaning of each permission. */
export const permissionTexts = {
  'connections:read': {
    words: 'sees connections',
    meaning: 'Sees connections, grants, workflows and providers, and no token or secret.',
  },
  'connections:write': {
    words: 'changes connections',
    meaning: 'Creates, edits and deletes connections, imports token sets, and revokes or deletes grants.',
  },
  'connections:authorize': {
    words: 'connects accounts',
    meaning: 'Makes links that connect an account, and tests or refreshes a connection.',
  },
  'credentials:read': {
    words: 'reads access tokens',
    meaning: 'Fetches and renews access tokens: what a workflow needs, and nothing more.',
  },
  'workflows:write': {
    words: 'switches workflows',
    meaning: 'Registers the connections that a workflow uses, and disables or enables workflows.',
  },
  'admin:read': {
    words: 'sees across organisations',
    meaning: 'Sees connections, grants, API keys, audit and statistics of all its organisations at once.',
  },
  'admin:write': {
    words: 'administers',
    meaning: 'Makes and revokes API keys, runs sweeps and health checks, imports in bulk and rotates encryption keys.',
  },
} as const satisfies Record<Permission, PermissionText>;
