import { type Fork, fork } from './fork.ts';

export interface BareOptions {
  databaseUrl: string;
  poolMax: number;
  grantId: string;
  tokenUrl: string;
}

/** `/select` reads the row of one grant; `/post` calls the token endpoint once. */
export interface BareServer {
  url: string;
}

export function startBareServer(options: BareOptions): Promise<Fork<BareServer>> {
  return fork<BareServer>('bare-process.ts', options);
}
