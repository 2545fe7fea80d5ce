import type { Pages } from '../server/page-route.ts';
import { doctorPage } from './doctor-page.ts';
import type { Examine } from './examine.ts';

/** Mounts the page Doctor. Each check has its own access, so every session may open it. */
export function doctorPages(pages: Pages, examine: Examine): void {
  pages.mount({ method: 'GET', path: '/doctor', access: { for: 'session' } }, async ({ caller }) => ({
    title: 'Doctor',
    section: 'doctor',
    body: doctorPage(await examine(caller)),
  }));
}
