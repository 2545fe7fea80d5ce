import { expect } from 'vitest';
import type { TestConnection } from '../e2e/connections.ts';
import type { Api, ApiCall } from '../support/http/broker-api.ts';
import type { Service } from './service.ts';

/** Part of every token of these tests. No explanation may show it. */
export const canary = 'canary';

interface Step {
  step: string;
  outcome: string;
  detail: string;
}

export interface Explained {
  steps: Step[];
  answer: { status: number; code: string | null; next_action: string };
}

export interface Caller extends ApiCall {
  api?: Api;
  /** Set if the token endpoint gives no token: an expected refresh then ends with 503. */
  isDown?: boolean;
}

/**
 * Explains a fetch, makes it, and compares. The explanation must call no provider and show no token. Returns the
 * explanation, once a refresh that the fetch started in the background has ended.
 */
export async function compareExplanation(
  service: Service,
  connection: Pick<TestConnection, 'credential'>,
  query: string,
  caller: Caller,
): Promise<Explained> {
  const found = await compareOnce(service, connection, query, caller);
  if (detailOf(found, 'refresh')?.includes(inBackground)) await endOfRefresh(service, connection, query, caller);
  return found;
}

const inBackground = 'in the background';

/**
 * Waits for the end of a refresh that a call started in the background. Its provider request would count as one of the
 * next explanation, and its result would change the next fetch.
 */
export async function endOfRefresh(
  { api: admin }: Service,
  { credential }: Pick<TestConnection, 'credential'>,
  query: string,
  { api = admin, isDown: _, ...call }: Caller,
): Promise<void> {
  const refresh = async () => {
    const { body } = await api.get(`${credential}/explain${query}`, call);
    return detailOf(body as unknown as Explained, 'refresh') ?? '';
  };
  await expect.poll(refresh, { timeout: 30_000 }).not.toMatch(/in the background|under way/);
}

async function compareOnce(
  { api: admin, hostile }: Service,
  { credential }: Pick<TestConnection, 'credential'>,
  query: string,
  { api = admin, isDown = false, ...call }: Caller,
): Promise<Explained> {
  const before = hostile.received.length;
  const explained = await api.get(`${credential}/explain${query}`, call);
  expect(explained.status, explained.text).toBe(200);
  expect(hostile.received.length, 'provider requests of an explanation').toBe(before);
  expect(explained.text).not.toContain(canary);
  const { status, body } = await api.get(`${credential}${query}`, call);
  const found = explained.body as unknown as Explained;
  const isExpected = found.steps.at(-1)?.outcome === 'refresh' && found.answer.code === null;
  if (isExpected) expect(hostile.received.length).toBeGreaterThan(before);
  if (isExpected && isDown) {
    expect([found.answer.status, status]).toEqual([200, 503]);
    return found;
  }
  const answer = { status, code: body.code ?? null, next_action: body.next_action };
  expect(found.answer, JSON.stringify(found.steps)).toEqual(answer);
  const refused = found.steps.some(({ outcome }) => outcome === 'refused');
  expect(refused, JSON.stringify(found.steps)).toBe(status !== 200);
  return found;
}

export const outcomesOf = ({ steps }: Explained) => steps.map(({ step, outcome }) => `${step} ${outcome}`);
export const detailOf = ({ steps }: Explained, step: string) => steps.find((each) => each.step === step)?.detail;
