/** Layers that a layer may import besides itself. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  broker: ['domain'],
  outbound: ['domain'],
  oauth: ['domain', 'outbound'],
  postgres: ['domain'],
  crypto: ['domain'],
  kms: ['domain'],
  embedded: ['domain'],
  markup: [],
  http: ['domain', 'broker', 'markup'],
  console: ['domain', 'broker', 'markup', 'doctor'],
  jobs: ['domain'],
  metrics: ['domain'],
  config: ['domain'],
  'connections-file': [],
  app: [
    'domain',
    'broker',
    'outbound',
    'oauth',
    'postgres',
    'crypto',
    'kms',
    'embedded',
    'http',
    'console',
    'jobs',
    'metrics',
    'config',
    'connections-file',
  ],
  main: ['app', 'config'],
  client: [],
  doctor: [],
  cli: ['client', 'connections-file', 'doctor'],
  migrations: [],
};

/**
 * Rooms of a layer that a room may import besides itself. Files outside every room belong to all of them, except those
 * that assemble rooms: no room imports these.
 */
export const rooms: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  broker: {
    refresh: [],
    revocations: [],
    credentials: ['refresh'],
    maintenance: ['refresh', 'revocations'],
    grants: ['refresh', 'credentials', 'revocations'],
    import: ['grants'],
    connections: ['grants', 'revocations'],
    authorizations: ['grants', 'revocations'],
    callers: [],
    sessions: ['callers'],
    workflows: [],
    administration: ['grants', 'connections', 'maintenance'],
    keys: [],
    assembly: [
      'refresh',
      'revocations',
      'credentials',
      'maintenance',
      'grants',
      'import',
      'connections',
      'authorizations',
      'callers',
      'sessions',
      'administration',
      'keys',
      'workflows',
    ],
  },
  oauth: {
    providers: [],
    'client-auth': ['providers'],
    responses: ['providers'],
    throttling: [],
    issuers: [],
    requests: ['providers', 'client-auth', 'responses', 'throttling'],
  },
  console: {
    layout: [],
    server: ['layout'],
    'sign-in': ['server'],
    sessions: ['server', 'layout'],
    connections: ['server', 'layout'],
    reasons: [],
    connection: ['server', 'layout', 'reasons'],
    sharing: ['connection', 'server', 'layout', 'reasons'],
    overview: ['server', 'layout', 'reasons', 'audit'],
    sweeps: ['server', 'layout'],
    audit: ['server', 'layout'],
    explain: ['server', 'layout'],
    grants: ['server', 'layout', 'reasons', 'audit'],
    operations: ['server', 'layout'],
    workflows: ['server', 'layout'],
    editing: ['server', 'layout'],
    deletion: ['editing', 'audit', 'server', 'layout'],
    'api-keys': ['server', 'layout'],
    providers: ['server', 'layout'],
    encryption: ['server', 'layout'],
  },
  postgres: {
    driver: [],
    batch: [],
    notify: ['driver', 'batch'],
    cache: ['notify'],
    grants: ['driver', 'notify'],
    connections: ['driver', 'notify', 'grants'],
    authorizations: ['driver', 'connections'],
    keys: ['driver', 'notify'],
    sessions: [],
    audit: ['driver', 'batch'],
    health: ['batch', 'connections', 'grants'],
    maintenance: ['driver', 'health'],
    refresh: ['driver', 'batch', 'notify', 'grants', 'connections'],
    workflows: ['driver', 'batch', 'notify', 'cache'],
    fleet: ['connections', 'grants', 'driver', 'batch'],
    roles: ['driver', 'maintenance'],
  },
};

/** The one layer that a package belongs to. A package that is named nowhere may be imported nowhere. */
export const packageHomes: Readonly<Record<string, string>> = {
  pg: 'postgres',
  '@fastify/rate-limit': 'http',
  undici: 'outbound',
  oauth4webapi: 'oauth',
  'openid-client': 'console',
  '@fastify/csrf-protection': 'console',
  '@prometheus-io/client': 'metrics',
  bullmq: 'jobs',
  ioredis: 'jobs',
  'p-limit': 'jobs',
  pino: 'app',
  'ipaddr.js': 'outbound',
  uuid: 'crypto',
  commander: 'cli',
  '@bomb.sh/tab': 'cli',
  open: 'cli',
  '@clack/prompts': 'cli',
  'fast-string-width': 'cli',
  'age-encryption': 'cli',
};

/** Packages of several layers, each for a reason of its own. */
export const sharedPackages: Readonly<Record<string, readonly string[]>> = {
  /** Migrations are written with the query builder of the stores. */
  kysely: ['postgres', 'migrations'],
  /** Plain schemas for whatever enters the process: requests, templates, files, the environment. */
  zod: ['http', 'console', 'oauth', 'embedded', 'config'],
  /** Writes openapi.yaml, and reads connections.yaml with the line of each fault. */
  yaml: ['http', 'connections-file'],
  /** Signatures of clients and issuers, and the sealing of exported lines. */
  jose: ['oauth', 'cli'],
  /** Two adapters serve HTTP in one server: the API, and the pages of administrators. */
  fastify: ['http', 'console'],
  /** Signed cookies of browsers that open links, and of people in the console. */
  '@fastify/cookie': ['http', 'console'],
  /** A plain data structure. */
  'lru-cache': ['outbound', 'oauth', 'postgres'],
};

/** Layers that import no module of Node.js: domain and broker are passed time and randomness, client runs in browsers. */
export const platformFreeLayers: readonly string[] = ['domain', 'broker', 'client'];

/**
 * The only files that read the environment. The health check reads three variables without loading all rules. The command
 * line is a program of its own.
 */
export const environmentReaders: readonly string[] = [
  'src/config.ts',
  'src/config/listen-address.ts',
  'src/cli/main.ts',
];

/** Beyond it a reader no longer takes a folder in at a glance. Templates and migrations are data, one file each. */
export const maxFilesPerFolder = 15;
export const uncountedFolders: readonly string[] = ['src/oauth/templates', 'migrations'];

/** Lines of one file; beyond it the file has a second subject. */
export const maxLines: Readonly<Record<string, number>> = { src: 200, test: 300 };

/** Lines of the README of a folder below src. */
export const readmeLines = { min: 5, max: 20 };
