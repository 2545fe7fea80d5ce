import { NotFound, TokenBrokerError } from '../../../client/errors.ts';
import type { Connection, NewConnection } from '../../../client/token-broker.ts';
import { pathOf } from '../../../client/transport/request-url.ts';
import type { Api } from '../../api.ts';

export type Ensured =
  /** `redirectUri` is to be registered at the provider before a person authorizes. */
  | { state: 'created'; redirectUri: string; firstTokenFault: string | undefined }
  | { state: 'exists'; connection: Connection }
  /** A dry run: the connection would be created. */
  | { state: 'planned' }
  | { state: 'refused'; reason: string };

export type EnsureConnection = (wanted: NewConnection) => Promise<Ensured>;

/**
 * Creates a connection, or finds it. One that exists is left as it is, and refused if it has another client or another
 * provider: its client would burn the refresh tokens.
 */
export function createEnsureConnection(
  api: Api,
  { organization, dryRun }: { organization: string | undefined; dryRun: boolean },
): EnsureConnection {
  const known = new Map<string, { wanted: string; ensured: Promise<Ensured> }>();
  return async (wanted) => {
    const { connection_name: name } = wanted;
    const text = JSON.stringify(wanted);
    const first = known.get(name) ?? { wanted: text, ensured: ensure(wanted) };
    known.set(name, first);
    if (first.wanted === text) return first.ensured;
    return { state: 'refused', reason: `another connection of this import has the name ${name}` };
  };

  async function ensure(wanted: NewConnection): Promise<Ensured> {
    const found = await find(wanted.connection_name);
    if (found !== undefined) {
      const difference = differenceOf(found, wanted);
      if (difference === undefined) return { state: 'exists', connection: found };
      return { state: 'refused', reason: `the connection ${wanted.connection_name} exists with another ${difference}` };
    }
    try {
      const query = dryRun ? { dry_run: true } : {};
      const { body } = await api.call<Connection>({ method: 'POST', path: '/connections', query, body: wanted });
      return dryRun ? { state: 'planned' } : created(body);
    } catch (error) {
      return { state: 'refused', reason: reasonOf(error, wanted.connection_name) };
    }
  }

  /** Finds the connection of the same owner: an organisation does not import into a global connection of that name. */
  async function find(name: string): Promise<Connection | undefined> {
    try {
      const { body } = await api.call<Connection>({ method: 'GET', path: pathOf('connections', name) });
      return organization !== undefined && body.organization_id === null ? undefined : body;
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }
}

/** A connection of a machine requests its first token at once, and is kept if that fails. */
function created({ redirect_uri, oauth_flow_type, status, status_message }: Connection): Ensured {
  const isFailed = oauth_flow_type === 'client_credentials' && status !== 'completed';
  const firstTokenFault = isFailed ? (status_message ?? status) : undefined;
  return { state: 'created', redirectUri: redirect_uri, firstTokenFault };
}

function differenceOf(found: Connection, wanted: NewConnection): string | undefined {
  if (found.client_id !== wanted.client_id) return 'client_id';
  if (wanted.provider != null && found.provider !== wanted.provider) return 'provider';
  if (wanted.token_url != null && found.token_url !== wanted.token_url) return 'token_url';
  if (wanted.oauth_flow_type != null && found.oauth_flow_type !== wanted.oauth_flow_type) return 'oauth_flow_type';
  const variables = Object.entries(wanted.variables ?? {});
  return variables.every(([name, value]) => found.variables[name] === value) ? undefined : 'value of a variable';
}

/** Faults of one connection end that connection; anything else, such as a wrong key, ends the command. */
function reasonOf(error: unknown, name: string): string {
  if (!(error instanceof TokenBrokerError) || error.status !== 400) throw error;
  const { errors } = error.members as { errors?: { path: string; message: string }[] };
  const faults = (errors ?? []).map(({ path, message }) => `${path}: ${message}`).join('; ');
  return `the connection ${name} is refused: ${faults || error.message}`;
}
