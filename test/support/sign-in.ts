import type { Browser, Page } from './browser.ts';

export interface Person {
  login: string;
  /** What the person answers at the consent form; `deny-login` turns back at the first one. */
  decision?: 'approve' | 'deny' | 'deny-login';
}

/**
 * Opens a link of the broker and does what a person does at the provider's forms: sign in, decide. A form that an
 * earlier sign-in made unnecessary is not waited for. Ends where the redirects end, or in front of `until`.
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
    page = await browser.submit(page, values, until);
    hops.push(...page.hops);
  }
  return { ...page, hops };
}

function stepOf(page: Page): string | null {
  if (page.status !== 200) return null;
  return /<form\b[^>]*\bdata-step="(\w+)"/.exec(page.body)?.[1] ?? null;
}
