/** Flags of `import`, as the parser returns them. */
export interface ImportFlags {
  from?: string;
  dryRun?: boolean;
  verify?: boolean;
  replace?: boolean;
  identity?: string;
  refreshStopped?: boolean;
  nangoUrl: string;
  nangoKeyFile?: string;
  integration?: string[];
  subject: string;
  clientSecrets?: string;
}
