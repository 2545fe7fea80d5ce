import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Kind = 'bot' | 'user';

interface Issued {
  team: string;
  kind: Kind;
  /** Number of the token of this team and kind. */
  number: number;
}

/**
 * Starts a provider of workspaces: an authorization brings a bot token and the token of the person, each with its own
 * rotating refresh token. `login_hint` chooses the workspace. Responses are those of Slack: 200 with `ok`.
 */
export async function startWorkspaceProvider() {
  const tokens = new Map<string, Issued>();
  const newest = new Map<string, number>();
  const provider = {
    origin: '',
    /** Lifetimes in seconds. */
    seconds: { bot: 43_200, user: 43_200 },
    /** Kinds of tokens of each authorization. */
    kinds: ['bot', 'user'] as Kind[],
    /** Error code with which the refresh of a kind is refused. */
    refused: { bot: null, user: null } as Record<Kind, string | null>,
    /** Refresh tokens in the order in which they were sent. */
    spent: [] as string[],
    /** Tokens that were revoked. */
    revoked: [] as string[],
    body: (team: string) => issue(team),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  function tokensOf(team: string, kind: Kind) {
    const number = (newest.get(`${team}-${kind}`) ?? 0) + 1;
    newest.set(`${team}-${kind}`, number);
    const refreshToken = `r-${kind}-${team}-${number}`;
    tokens.set(refreshToken, { team, kind, number });
    return {
      access_token: `a-${kind}-${team}-${number}`,
      refresh_token: refreshToken,
      token_type: kind,
      expires_in: provider.seconds[kind],
      scope: kind === 'bot' ? 'chat:write,channels:read' : 'search:read',
    };
  }

  function issue(team: string): object {
    const [bot, user] = (['bot', 'user'] as const).map((kind) =>
      provider.kinds.includes(kind) ? tokensOf(team, kind) : {},
    );
    return {
      ok: true,
      ...bot,
      app_id: 'A1',
      team: { id: team, name: `Workspace ${team}` },
      authed_user: { id: 'U1', ...user },
    };
  }

  function refresh(sent: string): object {
    provider.spent.push(sent);
    const issued = tokens.get(sent);
    const isSpent = issued === undefined || newest.get(`${issued.team}-${issued.kind}`) !== issued.number;
    const error = isSpent ? 'invalid_refresh_token' : provider.refused[issued.kind];
    if (error !== null || issued === undefined) return { ok: false, error };
    const { team, kind } = issued;
    return { ok: true, ...tokensOf(team, kind), team: { id: team, name: `Workspace ${team}` } };
  }

  async function answer(request: IncomingMessage, url: URL): Promise<object> {
    const form = new URLSearchParams(await text(request));
    const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    if (url.pathname === '/auth.test') {
      const team = bearer.split('-')[2];
      return { ok: true, team_id: team, team: `Workspace ${team}`, user_id: 'U1' };
    }
    if (url.pathname === '/auth.revoke') {
      provider.revoked.push(form.get('token') ?? bearer);
      return { ok: true, revoked: true };
    }
    if (form.get('grant_type') === 'refresh_token') return refresh(form.get('refresh_token') ?? '');
    return issue(form.get('code') ?? '');
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', provider.origin);
    if (url.pathname === '/authorize') {
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', url.searchParams.get('login_hint') ?? 'T0');
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    void answer(request, url).then((body) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  provider.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return provider;
}

export type WorkspaceProvider = Awaited<ReturnType<typeof startWorkspaceProvider>>;
