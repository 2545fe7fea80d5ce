import type { Place } from './place.ts';

/** Value of a variable of the service, with the place that it comes from. */
export interface Setting {
  value: string;
  /** The variable, or the file that NAME_FILE names. */
  place: string;
}

/** State of the data directory, as the user of the command sees it. */
export type DirectoryState =
  | { kind: 'file' }
  /** `code`: error code of the operating system. `user`: id of the user of the command; null if it has none. */
  | { kind: 'unusable'; code: string; user: number | null }
  /** Names of entries that other users can read or enter. */
  | { kind: 'usable'; openSecrets: string[]; openEntries: string[] };

/** The data directory of the broker, as this machine sees it. */
export interface DataDirectory {
  path: string;
  state(): DirectoryState;
  /** Pid of the live process that holds the embedded database; undefined if there is none. */
  holder(): number | undefined;
  /** Token sets that wait for the database; undefined if they cannot be read. */
  waitingTokens(): { folder: string; count: number } | undefined;
}

/** The copy of the keys that the operator names. */
export interface KeysCopy {
  path: string;
  /** Undefined if it cannot be read. */
  text: string | undefined;
  /** Whether it lies beside the original. */
  isBesideOriginal: boolean;
}

export interface ProviderProxy extends Place {
  /** Whether NO_PROXY names the host. Ranges of addresses are not compared here. */
  leavesOut(host: string): boolean;
}

/** Facts of the machine on which the command runs. Changes nothing. A fault is a clause without a secret. */
export interface Machine {
  /** Reads a variable, or the file of NAME_FILE. Undefined if neither is set or the file cannot be read. */
  setting(name: string): Setting | undefined;
  dataDirectory: DataDirectory | null;
  /** Reads the keys of the environment, or those that the embedded default has generated. */
  keys(): Setting | undefined;
  /** Reads the copy of the keys; undefined if none was named. */
  keysCopy(): KeysCopy | undefined;
  /** The proxy of provider calls; undefined without one. */
  proxy: ProviderProxy | undefined;
  /** Tries a connection. Undefined if it opens. */
  connectionFault(place: Place): Promise<string | undefined>;
  /** Tries a connection to a provider, through the proxy if the service uses it. Undefined if it opens. */
  providerFault(place: Place): Promise<string | undefined>;
}
