import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProviderFailure } from '../../../src/domain/provider-failure.ts';
import { failureOf, type GatewayFixture, held, startGateway } from '../../support/provider/gateway-fixture.ts';
import { answerWith, jsonAnswer, type RawProvider, startRawProvider } from '../../support/provider/raw-provider.ts';
import { type Outcome, rows } from './token-response-table.ts';

let provider: RawProvider;
let open: GatewayFixture;
beforeAll(async () => {
  provider = await startRawProvider();
  open = await startGateway({ timing: { retries: 0 } });
});
afterAll(async () => {
  await open.close();
  await provider.close();
});

/** Client of an endpoint of its own: failures of one row open no circuit for the next. */
function clientAt(path: string) {
  return { ...open.client, settings: { ...open.settings, tokenUrl: `${provider.origin}/${path}` } };
}

async function outcomeOf(path: string): Promise<Outcome> {
  try {
    const { tokens } = await open.gateway.refresh(clientAt(path), held(), []);
    return { access: tokens.accessToken?.reveal() ?? null, refresh: tokens.refreshToken?.reveal() ?? null };
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    const { class: failureClass, answered, oauthError } = error.facts;
    return { class: failureClass, answered, ...(oauthError !== null && { oauthError }) };
  }
}

test('the table has at least 120 answers, each under a name of its own', () => {
  expect(rows.length).toBeGreaterThanOrEqual(120);
  expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length);
});

test.each(rows.map((row, at) => [row[0], at] as const))('token response: %s', async (_, at) => {
  const [, answer, outcome] = rows[at] ?? rows[0] ?? [];
  if (answer === undefined) throw new Error('there is no such row');
  provider.play(answer);
  expect(await outcomeOf(`row-${at}`)).toEqual(outcome);
});

test('an answer that stalls after its tokens is used at the deadline', async () => {
  const tokens = { access_token: 'new', refresh_token: 'rotated' };
  provider.play(jsonAnswer(tokens, { announcedLength: 1000, ending: 'open' }));
  const startedAt = performance.now();
  expect(await outcomeOf('stalled')).toEqual({ access: 'new', refresh: 'rotated' });
  expect(performance.now() - startedAt).toBeLessThan(4000);
});

test('only a transfer that broke off counts as a lost answer', async () => {
  const lossOf = async (at: number, answer: Parameters<RawProvider['play']>[0]) => {
    provider.play(answer);
    return (await failureOf(open.gateway.refresh(clientAt(`loss-${at}`), held(), []))).lost;
  };
  const half = jsonAnswer({ access_token: 'new', refresh_token: 'rotated' }, { cutAt: 10 });
  const unknownCoding = jsonAnswer({ access_token: 'new' }, { headers: [['content-encoding', 'zstd']] });
  const oversized = answerWith('{}'.padEnd(300_000));
  const answers = [half, { steps: [], ending: 'close' } as const, unknownCoding, oversized, answerWith('<html>')];
  const losses: unknown[] = [];
  for (const [at, answer] of answers.entries()) losses.push((await lossOf(at, answer)) === true);
  expect(losses).toEqual([true, true, false, false, false]);
});

test('an answer that comes byte by byte is read', async () => {
  provider.play(jsonAnswer({ access_token: 'new' }, { writeBytes: 1, pauseMs: 1 }));
  expect(await outcomeOf('drip')).toEqual({ access: 'new', refresh: null });
});

test('a code exchange uses the same reading', async () => {
  provider.play(jsonAnswer({ access_token: ' new\n', refresh_token: 'r', id_token: 'garbage', token_type: 'BEARER' }));
  const exchange = {
    parameters: new URLSearchParams({ state: 's', code: 'c' }),
    state: 's',
    redirectUri: 'https://broker.example/callback/x',
    codeVerifier: null,
    scopes: ['openid'],
  };
  const { tokens } = await open.gateway.exchangeCode(clientAt('exchange'), exchange);
  expect([tokens.accessToken.reveal(), tokens.refreshToken?.reveal(), tokens.tokenType]).toEqual([
    'new',
    'r',
    'Bearer',
  ]);
});
