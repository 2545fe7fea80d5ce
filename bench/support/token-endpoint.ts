import { type Fork, fork } from './fork.ts';

export interface TokenEndpointOptions {
  lifetimeSeconds: number;
  /** Delay of each response; 0 by default. */
  delayMs?: number;
}

export interface TokenEndpoint {
  url: string;
}

/** Starts a provider's token endpoint on loopback, in a process of its own. */
export function startTokenEndpoint(options: TokenEndpointOptions): Promise<Fork<TokenEndpoint>> {
  return fork<TokenEndpoint>('token-process.ts', options);
}
