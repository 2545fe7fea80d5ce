import type { Readable } from 'node:stream';

/** Flags of every command. */
export interface GlobalFlags {
  url?: string;
  keyFile?: string;
  organization?: string;
  profile?: string;
  json?: boolean;
  ndjson?: boolean;
  yes?: boolean;
  color?: boolean;
}

export interface SettingsSources {
  flags: GlobalFlags;
  environment: Readonly<Record<string, string | undefined>>;
  directory: string;
  stdin: Readable;
  say: (words: string) => void;
}
