import { jsonAnswer, type RawAnswer, startRawProvider } from './raw-provider.ts';

/** Turns an answer that the provider has acted on into what reaches the client. */
export type Loss = (answer: { body: string }) => RawAnswer;

export interface RotatingGrant {
  /** The token endpoint of this grant alone. */
  tokenUrl: string;
  /** Refresh tokens of the requests, in order. */
  presented: string[];
  /** Access token of the newest generation that was issued. */
  liveToken(): string;
  /** Resolves when the first request has been read and the token was rotated. */
  rotated: Promise<void>;
}

export interface RotatingProvider {
  /**
   * Adds a grant whose first refresh token is `rt-<name>`. Within `graceMs` of a rotation, its spent refresh token
   * returns the tokens that replaced it. Later it ends the grant (RFC 9700 §4.14.2). `losses` meet the first answers.
   */
  addGrant(name: string, options: { graceMs: number; losses: readonly Loss[] }): RotatingGrant;
  close(): Promise<void>;
}

/** Starts a provider that rotates refresh tokens, detects reuse, and loses answers as the test says. */
export async function startRotatingProvider(): Promise<RotatingProvider> {
  const raw = await startRawProvider();
  const grants = new Map<string, (presented: string) => RawAnswer>();
  raw.answerEach(({ path, form }) => {
    const respond = grants.get(path);
    return respond?.(form.get('refresh_token') ?? '') ?? jsonAnswer({}, { status: 404 });
  });
  return {
    addGrant(name, { graceMs, losses }) {
      const path = `/${name}/token`;
      const presented: string[] = [];
      const rotated = Promise.withResolvers<void>();
      const waitingLosses = [...losses];
      let generation = 0;
      let rotatedAt = Number.NEGATIVE_INFINITY;
      let isRevoked = false;
      const refreshToken = (of: number) => (of === 0 ? `rt-${name}` : `rt-${name}-${of}`);
      const accessToken = (of: number) => `at-${name}-${of}`;

      const membersFor = (token: string): { status: number; members: object } => {
        const isInGrace = token === refreshToken(generation - 1) && performance.now() - rotatedAt < graceMs;
        if (token === refreshToken(generation)) {
          generation += 1;
          rotatedAt = performance.now();
        } else if (!isInGrace) isRevoked = true;
        if (isRevoked) return { status: 400, members: { error: 'invalid_grant' } };
        const tokens = { access_token: accessToken(generation), refresh_token: refreshToken(generation) };
        return { status: 200, members: { token_type: 'Bearer', expires_in: 3600, ...tokens } };
      };

      grants.set(path, (token) => {
        presented.push(token);
        const { status, members } = membersFor(token);
        rotated.resolve();
        const lose = waitingLosses.shift();
        return lose?.({ body: JSON.stringify(members) }) ?? jsonAnswer(members, { status });
      });
      return {
        tokenUrl: `${raw.origin}${path}`,
        presented,
        liveToken: () => accessToken(generation),
        rotated: rotated.promise,
      };
    },
    close: () => raw.close(),
  };
}
