import { performance } from 'node:perf_hooks';
import { Agent, request } from 'undici';
import { reportToParent } from './fork.ts';
import type { PostsOptions, PostsReport } from './posts.ts';

const warmUpShare = 0.1;

await reportToParent<PostsOptions, PostsReport>(async ({ tokenUrl, count, concurrency }) => {
  const dispatcher = new Agent();

  async function post(): Promise<void> {
    const { statusCode, body } = await request(tokenUrl, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=refresh_token&refresh_token=bare&client_id=bench&client_secret=bench',
    });
    await body.json();
    if (statusCode !== 200) throw new Error(`the token endpoint responded with ${statusCode}`);
  }

  async function postAll(total: number): Promise<void> {
    let left = total;
    const one = async () => {
      while (left-- > 0) await post();
    };
    await Promise.all(Array.from({ length: concurrency }, one));
  }

  await postAll(Math.ceil(count * warmUpShare));
  const startedAt = performance.now();
  await postAll(count);
  return { perSecond: count / ((performance.now() - startedAt) / 1000) };
});
