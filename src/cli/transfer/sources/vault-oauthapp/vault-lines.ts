import { CommandFailure, exitCodes } from '../../../exit-codes.ts';
import { recordOf, scopesOf, textOf } from '../values.ts';

type Json = Readonly<Record<string, unknown>>;

/** `data` of `vault read servers/NAME`, with the name. The engine never returns the client secret. */
export interface VaultServer {
  name: string;
  data: Json;
}

/** A credential of the authorization code flow. Its name in the engine is the subject, unless the line names one. */
export interface VaultCredential {
  name: string;
  server: string;
  subject: string | undefined;
  organization: string | undefined;
  scopes: readonly string[] | undefined;
}

/** A credential of the client credentials flow. */
export interface VaultMachine {
  name: string;
  server: string;
  scopes: readonly string[] | undefined;
  tokenParams: Json;
}

export interface VaultFile {
  servers: Map<string, VaultServer>;
  credentials: VaultCredential[];
  machines: VaultMachine[];
}

/** Reads a JSON object a line, each with the member `server` alone, or also `credential` or `self`. */
export function readVaultFile(text: string): VaultFile {
  const file: VaultFile = { servers: new Map(), credentials: [], machines: [] };
  text.split('\n').forEach((line, index) => {
    if (line.trim() !== '') addLine(file, parse(line, index + 1), index + 1);
  });
  return file;
}

function addLine(file: VaultFile, line: Json, number: number): void {
  const server = textOf(line.server);
  if (server === undefined) throw fault(number, 'names no server');
  const credential = textOf(line.credential);
  const self = textOf(line.self);
  const scopes = scopesOf(line.scopes);
  if (credential !== undefined) {
    const subject = line.subject === null ? undefined : (textOf(line.subject) ?? credential);
    const organization = textOf(line.organization_id);
    file.credentials.push({ name: credential, server, subject, organization, scopes });
  } else if (self !== undefined) {
    file.machines.push({ name: self, server, scopes, tokenParams: recordOf(line.token_url_params) });
  } else file.servers.set(server, { name: server, data: line });
}

function parse(text: string, number: number): Json {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    throw fault(number, 'is not JSON');
  }
}

function fault(number: number, what: string): CommandFailure {
  return new CommandFailure(`Line ${number} ${what}.`, exitCodes.usage, 'docs/MIGRATING.md describes the file.');
}
