import { relative } from 'node:path';

export interface Welcome {
  /** Public URL with the base path. */
  url: string;
  /** File of the generated administrator's key. */
  keyFile: string;
  /** Whether this start created the key. */
  isFirstStart: boolean;
  /** Folder that the paths of the text start from. */
  directory: string;
}

/**
 * Returns what a person at a terminal needs after a start: one line, and at the first start also the next commands. The
 * commands read the key from its file, so that the terminal and its history never hold it.
 */
export function welcome({ url, keyFile, isFirstStart, directory }: Welcome): string {
  const path = relative(directory, keyFile);
  const file = path.startsWith('..') ? keyFile : path;
  if (!isFirstStart)
    return `Token broker at ${url}, its console at ${url}/console; the administrator's key is in ${file}`;
  return `
Token broker is ready.

  console  ${url}/console
  API      ${url}
  docs     ${url}/docs
  key      ${file} (of the administrator)

In another terminal:

  AUTH="Authorization: Bearer $(cat ${quoted(file)})"
  curl -s -H "$AUTH" ${url}/providers
  curl -s -H "$AUTH" -H 'Content-Type: application/json' -d @connection.json ${url}/connections

connection.json holds connection_name, provider, client_id and client_secret. README.md shows the whole way to a token.
`;
}

/** Quotes a path for a shell, unless it needs no quotes. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
