import { type ApiKey, isActive } from '../../domain/callers/api-key.ts';
import { html, type Markup } from '../../markup/html.ts';
import { isolated } from '../layout/owner.ts';
import { permissionTexts } from '../layout/permission-texts.ts';
import { badge } from '../layout/status.ts';

/** Organisations and patterns of one cell. The rest is counted. */
const maxNamed = 5;

export function keyState({ revokedAt, expiresAt }: ApiKey, now: Date): Markup {
  if (revokedAt !== null) return badge('quiet', 'Revoked');
  return isActive({ revokedAt, expiresAt }, now) ? badge('good', 'Active') : badge('warn', 'Expired');
}

export function rightsWords({ permissions }: Pick<ApiKey, 'permissions'>): string {
  return permissions.map((permission) => permissionTexts[permission].words).join(', ');
}

/** Organisations that a key reaches, and the names of the connections whose tokens it reads. */
export function reachWords({
  organizations,
  global,
  connections,
}: Pick<ApiKey, 'organizations' | 'global' | 'connections'>): Markup {
  const owners = organizations === '*' ? html`<span class="words">all organisations</span>` : namesOf(organizations);
  const scope = global ? html`<span class="global">Global</span>` : null;
  const separator = scope !== null && (organizations === '*' || organizations.length > 0) ? ', ' : null;
  const patterns = connections === null ? null : html`<br><span class="soft">tokens of</span> ${namesOf(connections)}`;
  return html`${owners}${separator}${scope}${patterns}`;
}

function namesOf(names: readonly string[]): Markup {
  const rest = names.length - maxNamed;
  return html`${names.slice(0, maxNamed).map((name, at) => html`${at === 0 ? null : ', '}${isolated(name)}`)}${rest > 0 ? html` and ${rest} more` : null}`;
}
