import { userInfo } from 'node:os';
import { isPort, severalHosts, splitServerUrl } from './server-url.ts';
import { tlsFileFaults } from './tls-files.ts';

/** Parameters that the broker understands, with the meaning that libpq gives them. */
const supported = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'options',
  'application_name',
] as const;
type Parameter = (typeof supported)[number];
/** Asks pg for the meaning that the broker gives sslmode anyway. */
const pgCompatibility = 'uselibpqcompat';

const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'];
const form = 'postgres://USER:PASSWORD@HOST:5432/DATABASE';

export type ReadUrl = { url: string } | { fault: string };

/**
 * Reads a connection URI by the rules of libpq. Returns it in a spelling that pg reads alike: libpq and pg differ in
 * sockets, in parameters and in the meaning of sslmode. Faults name the part to change and quote nothing.
 */
export function readDatabaseUrl(text: string): ReadUrl {
  const parts = splitServerUrl(text, ['postgresql', 'postgres']);
  if ('fault' in parts) return parts;
  const read = readParameters(parts.parameters);
  if ('fault' in read) return read;
  const { given } = read;
  const host = given.host ?? decodeURIComponent(parts.host).replace(/^\[(.*)\]$/, '$1');
  const port = given.port ?? parts.port;
  const database = given.dbname ?? parts.path;
  const user = given.user ?? parts.user;
  const isSocket = host.startsWith('/');
  const fault =
    hostFault(host, port) ??
    (database === '' ? `has no database name: write ${form}` : undefined) ??
    (/[?#]/.test(database)
      ? 'has a database name with ? or #, which is not supported: rename the database'
      : undefined) ??
    (user === '' && !isSocket ? `has no user: write ${form}` : undefined) ??
    sslFault(given, isSocket);
  if (fault !== undefined) return { fault };
  const name = user === '' ? systemUser() : user;
  if (name === undefined) return { fault: 'has no user, and the user of this process has no name: add user=NAME' };
  return { url: write({ ...given, user: name, password: given.password ?? parts.password, host, port, database }) };
}

function readParameters(
  parameters: readonly (readonly [string, string])[],
): { given: Partial<Record<Parameter, string>> } | { fault: string } {
  const given: Partial<Record<Parameter, string>> = {};
  for (const [index, [name, value]] of parameters.entries()) {
    if (name === pgCompatibility && value === 'true') continue;
    const known = supported.find((one) => one === name);
    if (known === undefined) return { fault: unknownParameter(index, name) };
    if (given[known] !== undefined) return { fault: `names the parameter ${known} twice` };
    given[known] = value;
  }
  return { given };
}

/** Names of parameters that other programs understand. Any other name may be a piece of a password. */
const knownElsewhere = new Set(
  `channel_binding client_encoding connect_timeout connection_limit fallback_application_name gssencmode hostaddr
  keepalives keepalives_idle krbsrvname lock_timeout passfile pgbouncer pool_timeout replication requirepeer schema
  search_path service ssl ssl_max_protocol_version ssl_min_protocol_version sslaccept sslcompression sslcrl
  sslnegotiation sslpassword statement_timeout target_session_attrs tcp_user_timeout ${pgCompatibility}`.split(/\s+/),
);

function unknownParameter(index: number, name: string): string {
  const which = knownElsewhere.has(name) ? `the parameter ${name}` : `parameter ${index + 1}`;
  const instead = name === 'ssl' ? 'write sslmode=require in its place' : 'remove it';
  return `has ${which}, which is not supported: ${instead} (supported: ${supported.join(', ')}; settings of the server go into options, such as options=-c%20search_path%3DNAME)`;
}

function hostFault(host: string, port: string): string | undefined {
  if (host === '') return `has no host: write ${form}, or host=/FOLDER for a socket`;
  if (host.includes(',') || port.includes(',')) return severalHosts;
  return isPort(port) ? undefined : 'has a port that is no number from 1 to 65535: correct the parameter port';
}

function sslFault(given: Partial<Record<Parameter, string>>, isSocket: boolean): string | undefined {
  const { sslmode: mode, sslrootcert, sslcert, sslkey } = given;
  if (mode === 'allow' || mode === 'prefer') {
    return `has sslmode=${mode}, which permits an unencrypted connection without saying so: write sslmode=require, or sslmode=disable`;
  }
  if (mode !== undefined && !sslModes.includes(mode))
    return `has an unknown sslmode: write one of ${sslModes.join(', ')}`;
  const usesTls = mode !== undefined && mode !== 'disable';
  if (isSocket && usesTls) return 'has an sslmode for a socket, which has no TLS: remove it, or name a host';
  if (!usesTls && (sslrootcert ?? sslcert ?? sslkey) !== undefined) {
    return 'has certificate files without TLS: add sslmode=verify-full';
  }
  if (mode === 'verify-ca' && sslrootcert === undefined) {
    return 'has sslmode=verify-ca without sslrootcert: name the file of the CA, or write sslmode=verify-full';
  }
  if (sslrootcert === systemRoots && mode !== 'verify-full') {
    return 'has sslrootcert=system, which requires sslmode=verify-full';
  }
  return tlsFileFaults({ sslrootcert: sslrootcert === systemRoots ? undefined : sslrootcert, sslcert, sslkey });
}

/** libpq's name for the CAs that come with the system. They are the default here. */
const systemRoots = 'system';

/** libpq's default for the user. */
function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

interface Written extends Partial<Record<Parameter, string>> {
  user: string;
  password: string;
  host: string;
  port: string;
  database: string;
}

function write({ user, password, host, port, database, ...given }: Written): string {
  const authority = `${encode(user)}${password === '' ? '' : `:${encode(password)}`}@${encodeHost(host)}`;
  const query = new Map<string, string | undefined>([
    // Without it, pg takes certificate checks and client certificates from sslmode in its own way.
    [pgCompatibility, given.sslmode === undefined ? undefined : 'true'],
    ['sslmode', given.sslmode],
    ['sslrootcert', given.sslrootcert === systemRoots ? undefined : given.sslrootcert],
    ['sslcert', given.sslcert],
    ['sslkey', given.sslkey],
    ['options', given.options],
    ['application_name', given.application_name],
  ]);
  const parameters = [...query].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encode(value)}`]));
  const tail = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  // pg decodes the name of the database as a whole URI, which leaves reserved characters encoded.
  return `postgres://${authority}${port === '' ? '' : `:${port}`}/${encodeURI(database)}${tail}`;
}

function encodeHost(host: string): string {
  return host.includes(':') && !host.startsWith('/') ? `[${host}]` : encode(host);
}

/** Leaves nothing to the interpretation of a parser. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("'", '%27');
}
