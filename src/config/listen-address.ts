import { normalizePath } from './base-path.ts';

export interface ListenAddress {
  host: string;
  port: number;
  basePath: string;
}

/**
 * Reads where the service of this environment listens, and no secret. The health check runs every few seconds: loading
 * the rules of all variables would cost ten times as much. The service itself refuses wrong values.
 */
export function loadListenAddress(env: Record<string, string | undefined> = process.env): ListenAddress {
  return {
    host: env.HOST || '127.0.0.1',
    port: Number(env.PORT || 8080),
    basePath: normalizePath(env.BASE_PATH ?? ''),
  };
}
