import { type Access, accessOf } from '../../domain/callers/access.ts';
import { html, type Markup } from '../../markup/html.ts';

interface Destination {
  path: string;
  label: string;
  /** Operation without which the page shows nothing; null for a page that every session may open. */
  access: Access | null;
}

/** Pages of the navigation, in its order. */
export const destinations = {
  overview: { path: '/console', label: 'Overview', access: null },
  connections: { path: '/console/connections', label: 'Connections', access: accessOf.listConnections },
  grants: { path: '/console/grants', label: 'Grants', access: accessOf.listFleetGrants },
  explain: { path: '/console/explain', label: 'Explain a fetch', access: accessOf.explainCredential },
  workflows: { path: '/console/workflows', label: 'Workflows', access: accessOf.listDisabledWorkflows },
  sweeps: { path: '/console/sweeps', label: 'Sweeps and queue', access: accessOf.listSweeps },
  audit: { path: '/console/audit', label: 'Audit', access: accessOf.listAuditEvents },
  'api-keys': { path: '/console/api-keys', label: 'API keys', access: accessOf.listApiKeys },
  providers: { path: '/console/providers', label: 'Providers', access: accessOf.listProviders },
  encryption: { path: '/console/encryption', label: 'Encryption', access: accessOf.readEncryption },
  doctor: { path: '/console/doctor', label: 'Doctor', access: null },
} as const satisfies Record<string, Destination>;

/** Entry of the navigation that a page belongs to; null for a page outside of it. */
export type Section = keyof typeof destinations | null;

/** Lists the pages that the visitor may open. The present one is marked for the eye and for screen readers. */
export function navigation(
  section: Section,
  { href, may }: { href: (path: string) => string; may: (access: Access) => boolean },
): Markup {
  const shown = Object.entries(destinations).filter(([, { access }]) => access === null || may(access));
  return html`<nav class="sections" aria-label="Console"><ul>${shown.map(
    ([name, { path, label }]) =>
      html`<li><a href="${href(path)}"${name === section ? html` aria-current="page"` : null}>${label}</a></li>`,
  )}</ul></nav>`;
}
