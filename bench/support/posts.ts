import { fork } from './fork.ts';

export interface PostsOptions {
  tokenUrl: string;
  count: number;
  concurrency: number;
}

export interface PostsReport {
  perSecond: number;
}

/** Sends bare token requests from a process of its own. */
export async function runPosts(options: PostsOptions): Promise<PostsReport> {
  await using run = await fork<PostsReport>('posts-process.ts', options);
  return run.report;
}
