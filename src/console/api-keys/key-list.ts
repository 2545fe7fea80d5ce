import { accessOf } from '../../domain/callers/access.ts';
import { type ApiKey, callerIdOf, isActive } from '../../domain/callers/api-key.ts';
import { html, type Markup } from '../../markup/html.ts';
import { doneNotice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import { badge } from '../layout/status.ts';
import { type Column, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { keyState, reachWords, rightsWords } from './key-words.ts';

export const keysPath = '/console/api-keys';
const doneTexts = { revoked: 'The key is revoked. It stopped working in every process.' };

export interface KeyList {
  visit: Visit;
  keys: readonly ApiKey[];
  /** Whether revoked and expired keys are shown too. */
  showsAll: boolean;
  done: string | undefined;
}

export function keyList({ visit, keys, showsAll, done }: KeyList): Markup {
  const { href, now } = visit;
  const active = keys.filter((key) => isActive(key, now));
  const shown = showsAll ? [...active, ...keys.filter((key) => !isActive(key, now))] : active;
  const chip = (path: string, label: string, isChosen: boolean) =>
    html`<li><a href="${href(path)}"${isChosen ? html` aria-current="true"` : null}>${label}</a></li>`;
  return html`<div class="title"><h1>API keys</h1>${
    visit.may(accessOf.createApiKey) ? html`<a class="button" href="${href(`${keysPath}/new`)}">New key</a>` : null
  }</div>
${doneNotice(doneTexts, done)}
<ul class="chips" aria-label="State">${chip(keysPath, `Active (${active.length})`, !showsAll)}${chip(`${keysPath}?state=all`, `All (${keys.length})`, showsAll)}</ul>
${table(columns(visit), shown, {
  caption: 'API keys',
  empty: html`<p>There is no ${showsAll ? null : 'active '}key within your rights. Give each program a key of its own, with only the rights that it needs.</p>`,
})}
<p class="help">You see the keys whose rights you have too. The administrator’s key of the configuration is not among them.</p>`;
}

function columns(visit: Visit): Column<ApiKey>[] {
  const { now, href, caller } = visit;
  return [
    {
      label: 'Key',
      cell: (key) =>
        html`${isolated(key.name)}${callerIdOf(key.id) === caller.id ? html` ${badge('quiet', 'Yours')}` : null}<br><span class="soft made">made ${when(key.createdAt, now)} by ${isolated(key.createdBy)}</span>`,
    },
    { label: 'Rights', cell: (key) => rightsWords(key) },
    { label: 'For', cell: reachWords },
    {
      label: 'State',
      cell: (key) => html`${keyState(key, now)}<br><span class="soft">${stateTime(key, now)}</span>`,
    },
    { label: 'Last used', cell: (key) => when(key.lastUsedAt, now) },
    ...(visit.may(accessOf.revokeApiKey)
      ? [
          {
            label: 'Act',
            cell: (key: ApiKey) =>
              key.revokedAt === null
                ? html`<a class="button quiet" href="${href(revokePath(key.id))}">Revoke<span class="hidden"> ${key.name}</span></a>`
                : null,
          },
        ]
      : []),
  ];
}

export function revokePath(id: string): string {
  return `${keysPath}/${encodeURIComponent(id)}/revoke`;
}

function stateTime({ revokedAt, expiresAt }: ApiKey, now: Date): Markup {
  if (revokedAt !== null) return html`${when(revokedAt, now)}`;
  if (expiresAt === null) return html`has no end`;
  return html`${expiresAt <= now ? 'ended' : 'ends'} ${when(expiresAt, now)}`;
}
