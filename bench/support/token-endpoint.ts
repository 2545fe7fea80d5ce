import { type Fork, fork } from './fork.ts';

export interface TokenEndpointOptions {
  lifetimeSeconds: number;
  /** How long each answer takes; none where left out. */
  delayMs?: number;
}

export interface TokenEndpoint {
  url: string;
}

/** A provider's token endpoint on loopback, in a process of its own. */
export function startTokenEndpoint(options: TokenEndpointOptions): Promise<Fork<TokenEndpoint>> {
  return fork<TokenEndpoint>('token-process.ts', options);
}
