import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import type { Ground } from '../ground.ts';
import { isLoopback } from '../place.ts';
import { membersOf } from '../request.ts';

const correct = 'Correct PUBLIC_URL (and BASE_PATH), restart, and register the new redirect URIs at the providers.';

/** Checks that PUBLIC_URL leads to this installation: providers send people there. */
export const publicUrlCheck: Check = {
  name: 'public URL',
  async run(ground) {
    const reply = await ground.publicUrl();
    if (!reply.isRead) return skipped(reply.found, reply.next);
    const { body: publicUrl } = reply;
    if (isLoopback(publicUrl) && !isLoopback(ground.url)) {
      return failed(`PUBLIC_URL is ${publicUrl}, which leads every browser to its own machine.`, correct);
    }
    return reach(publicUrl, ground);
  },
};

async function reach(publicUrl: string, ground: Ground): Promise<Finding> {
  const answer = await ground.request(`${publicUrl}/health`);
  if (!answer.isAnswer) {
    return failed(`PUBLIC_URL ${publicUrl} cannot be reached from here: ${answer.reason}.`, correct);
  }
  const { status, headers, text } = answer;
  if (status >= 300 && status < 400) {
    return failed(`PUBLIC_URL ${publicUrl} redirects to ${headers.get('location') ?? 'another address'}.`, correct);
  }
  const health = membersOf(text);
  if (health.service !== 'token-broker') {
    return failed(`What answers at PUBLIC_URL ${publicUrl} is not a token-broker (status ${status}).`, correct);
  }
  if (!(await isSameInstallation(ground, health.last_sweep_at))) {
    return failed(`PUBLIC_URL ${publicUrl} leads to another installation: its last sweep is another one.`, correct);
  }
  if (publicUrl.startsWith('http:') && !isLoopback(publicUrl)) {
    const next = 'Put a proxy with TLS before the service: providers ask for https.';
    return warning(`PUBLIC_URL ${publicUrl} is not https.`, next);
  }
  return ok(`PUBLIC_URL ${publicUrl} leads to this installation.`);
}

/**
 * Compares the end of the last sweep, which is one time in the whole installation. Own readings before and after the
 * other one: a sweep may end between two of them.
 */
async function isSameInstallation({ service, url, request }: Ground, lastSweepAt: unknown): Promise<boolean> {
  if (service.state === 'answers' && service.health.last_sweep_at === lastSweepAt) return true;
  const later = await request(`${url}/health`);
  return later.isAnswer && membersOf(later.text).last_sweep_at === lastSweepAt;
}
