import type { Browser, Page } from '../browser/browser.ts';

export interface Person {
  login: string;
  /** Decision at the consent form. `deny-login` denies at the sign-in form already. */
  decision?: 'approve' | 'deny' | 'deny-login';
}

/**
 * Opens a link of the broker, goes on from its page if there is one, signs in at the provider and decides. A form that an earlier sign-in made unnecessary may
 * be absent. Returns the page at the end of the redirects, or the last one before `until`.
 */
export async function signIn(
  browser: Browser,
  link: string,
  { login, decision = 'approve' }: Person,
  until: (url: URL) => boolean = () => false,
): Promise<Page> {
  let page = await browser.open(link, until);
  const hops = [...page.hops];
  for (let step = stepOf(page); step !== null; step = stepOf(page)) {
    const denied = decision === 'deny-login' || (decision === 'deny' && step === 'consent');
    const values = { decision: denied ? 'deny' : 'approve', ...(step === 'login' ? { login } : {}) };
    page = await browser.submit(page, step === 'before-provider' ? {} : values, until);
    hops.push(...page.hops);
  }
  return { ...page, hops };
}

function stepOf(page: Page): string | null {
  if (page.status !== 200) return null;
  if (page.body.includes('name="page_token"')) return 'before-provider';
  return /<form\b[^>]*\bdata-step="(\w+)"/.exec(page.body)?.[1] ?? null;
}
