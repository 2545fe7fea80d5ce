import type { Clocks, Health, Readiness, Service } from '../../../doctor/ground.ts';
import { type Answer, membersOf, request } from '../../../doctor/request.ts';

/** Statuses of a gateway whose service does not answer. */
const gatewayStatuses = [502, 503, 504];

/** Reads the routes that need no key. */
export async function readService(url: string): Promise<Service> {
  const answer = await request(`${url}/health`);
  if (!answer.isAnswer) return { state: 'silent', reason: answer.reason };
  const health = membersOf(answer.text);
  if (health.service !== 'token-broker') {
    const { status } = answer;
    return gatewayStatuses.includes(status)
      ? { state: 'silent', reason: `a gateway answers with status ${status}` }
      : { state: 'stranger', status };
  }
  return {
    state: 'answers',
    health: health as unknown as Health,
    readiness: await readReadiness(url),
    clocks: clocksOf(answer, health),
  };
}

async function readReadiness(url: string): Promise<Readiness> {
  const answer = await request(`${url}/readyz`);
  const body = answer.isAnswer ? membersOf(answer.text) : {};
  return {
    database: body.database === true,
    migrated: body.migrated === true,
    key_proven: body.key_proven === true,
    reason: typeof body.reason === 'string' ? body.reason : null,
  };
}

function clocksOf(answer: Answer & { isAnswer: true }, health: Readonly<Record<string, unknown>>): Clocks {
  return {
    sentAt: answer.sentAt,
    receivedAt: answer.receivedAt,
    date: Date.parse(answer.headers.get('date') ?? ''),
    timestamp: Date.parse(String(health.timestamp)),
  };
}
