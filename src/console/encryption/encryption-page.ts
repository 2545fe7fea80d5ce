import type { EncryptionKeyUse, EncryptionState } from '../../broker/keys/read-encryption.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { DataKeyState, DataKeyUse } from '../../domain/ports/keys.ts';
import type { KeyHolder } from '../../domain/ports/maintenance/key-rotation.ts';
import { html, type Markup } from '../../markup/html.ts';
import { act, asCurl, hiddenFields } from '../layout/acts.ts';
import { live } from '../layout/live.ts';
import { doneNotice, notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import { badge, type Tone } from '../layout/status.ts';
import { type Column, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { rotationProgress } from './rotation-progress.ts';

export const encryptionPath = '/console/encryption';

const doneTexts = {
  started: 'A rotation has begun. Its progress is below.',
  active: 'A rotation was already active. Its progress is below.',
  confirmed: 'The backup is confirmed.',
  retired: 'The data key is removed.',
};

const dataKeyWords: Record<DataKeyState, { tone: Tone; word: string }> = {
  introduced: { tone: 'warn', word: 'Introduced' },
  sealing: { tone: 'good', word: 'Seals' },
  opening: { tone: 'quiet', word: 'Opens' },
};

export function encryptionPage(visit: Visit, state: EncryptionState, done: string | undefined): Markup {
  const { href, nonce } = visit;
  const unconfirmed = state.encryptionKeyIds.filter((key) => isNeeded(key, state) && key.backupConfirmedAt === null);
  return html`<div class="title"><h1>Encryption</h1></div>
${doneNotice(doneTexts, done)}
${
  unconfirmed.length === 0
    ? null
    : notice(
        'warn',
        html`No backup is confirmed of ${unconfirmed.map(({ id }, at) => html`${at === 0 ? null : ', '}<code>${id}</code>`)}. Without the key no stored token or client secret can ever be opened again.`,
      )
}
<section aria-labelledby="keys"><h2 id="keys">Keys of ENCRYPTION_KEYS</h2>
${table(keyColumns(visit, state), state.encryptionKeyIds, { caption: 'Keys of ENCRYPTION_KEYS', empty: 'There is no key.' })}
<p class="help">These keys wrap the data keys. A key can leave <code>ENCRYPTION_KEYS</code> when it wraps none. Held: this process can use the key. Copy each key to a place apart from the database, then confirm it here.</p></section>
${visit.may(accessOf.rotateKeys) ? rotateForms(visit) : null}
${live({ id: 'progress-of-rotation', href: href(encryptionPath), nonce, body: changingPart(visit, state) })}`;
}

/** Part of the page that a rotation changes. It holds no form: a person may be about to send one. */
function changingPart(visit: Visit, state: EncryptionState): Markup {
  return html`<section class="panel" aria-labelledby="progress"><h2 id="progress">Last rotation</h2>
${rotationProgress(state, visit.now)}</section>
<section aria-labelledby="data-keys"><h2 id="data-keys">Data keys</h2>
${table(dataKeyColumns(visit), state.dataKeys, { caption: 'Data keys', empty: 'There is no data key yet.' })}
<p class="help">One data key seals new tokens and client secrets. Older ones open what they sealed, until a rotation seals it anew.</p></section>
<section aria-labelledby="processes"><h2 id="processes">Processes</h2>
${table(processColumns(visit), state.processes, { caption: 'Processes that hold the keys', empty: 'No process has reported yet.' })}</section>`;
}

/** A key that wraps, or that stored data needs. */
function isNeeded({ id, dataKeys }: EncryptionKeyUse, { encryptionKeyId }: EncryptionState): boolean {
  return dataKeys > 0 || id === encryptionKeyId;
}

function keyColumns(visit: Visit, state: EncryptionState): Column<EncryptionKeyUse>[] {
  return [
    {
      label: 'Key',
      cell: ({ id }) =>
        html`<code>${id}</code>${id === state.encryptionKeyId ? html` ${badge('good', 'Primary')}` : null}`,
    },
    { label: 'Wraps', cell: ({ dataKeys }) => `${dataKeys} data ${dataKeys === 1 ? 'key' : 'keys'}` },
    {
      label: 'State',
      cell: (key) =>
        key.isHeld
          ? badge('good', 'Held')
          : isNeeded(key, state)
            ? badge('bad', 'Missing')
            : badge('quiet', 'Not held'),
    },
    { label: 'Backup', cell: (key) => backupCell(visit, key, isNeeded(key, state)) },
  ];
}

function backupCell(
  visit: Visit,
  { id, backupConfirmedAt, backupConfirmedBy }: EncryptionKeyUse,
  isNeeded: boolean,
): Markup {
  if (backupConfirmedAt !== null) {
    return html`${badge('good', 'Confirmed')}<br><span class="soft">${when(backupConfirmedAt, visit.now)} by ${isolated(backupConfirmedBy ?? '')}</span>`;
  }
  const state = isNeeded ? badge('warn', 'Not confirmed') : badge('quiet', 'Not confirmed');
  if (!visit.may(accessOf.rotateKeys)) return state;
  const action = visit.href(`${encryptionPath}/keys/${encodeURIComponent(id)}/backup`);
  return html`${state}<br>${act({ action, label: `I have backed up key ${id}`, csrfField: visit.csrfField })}`;
}

function rotateForms({ href, csrfField, baseUrl }: Visit): Markup {
  const form = (dataKey: 'true' | 'false', label: string, tone: string) =>
    html`<form method="post" class="act" action="${href(`${encryptionPath}/rotate`)}">${csrfField}${hiddenFields({ data_key: dataKey })}<button class="${tone}">${label}</button></form>`;
  return html`<section class="panel" aria-labelledby="rotate"><h2 id="rotate">Rotate</h2>
<div class="act-row">${form('true', 'Start a rotation', 'main')}${form('false', 'Only wrap data keys anew', 'quiet')}</div>
<p class="help">A rotation makes a new data key and seals every stored secret with it. Wrapping anew is enough after a new first key in <code>ENCRYPTION_KEYS</code>. Both run while the service serves.</p>
${asCurl({ method: 'POST', baseUrl, path: '/admin/encryption/rotate', body: { data_key: true } })}</section>`;
}

function dataKeyColumns(visit: Visit): Column<DataKeyUse>[] {
  const { now, href } = visit;
  return [
    { label: 'Data key', cell: ({ id }) => html`<code>${id}</code>` },
    { label: 'State', cell: ({ state }) => badge(dataKeyWords[state].tone, dataKeyWords[state].word) },
    { label: 'Wrapped with', cell: ({ keyEncryptionKeyId }) => html`<code>${keyEncryptionKeyId}</code>` },
    { label: 'Secrets sealed', cell: ({ seals }) => seals.toLocaleString('en') },
    { label: 'Made', cell: ({ createdAt }) => when(createdAt, now) },
    ...(visit.may(accessOf.retireDataKey)
      ? [
          {
            label: 'Act',
            cell: ({ id, state }: DataKeyUse) =>
              state === 'opening'
                ? html`<a class="button quiet" href="${href(retirePath(id))}">Remove<span class="hidden"> ${id}</span></a>`
                : null,
          },
        ]
      : []),
  ];
}

export function retirePath(id: string): string {
  return `${encryptionPath}/data-keys/${encodeURIComponent(id)}/retire`;
}

function processColumns({ now }: Visit): Column<KeyHolder>[] {
  return [
    { label: 'Process', cell: ({ host }) => isolated(host) },
    {
      label: 'State',
      cell: ({ isLive }) => (isLive ? badge('good', 'Running') : badge('warn', 'Ended')),
    },
    { label: 'Holds', cell: ({ encryptionKeyIds }) => html`<code>${encryptionKeyIds.join(', ')}</code>` },
    {
      label: 'Seals with',
      cell: ({ sealingKeyId }) => (sealingKeyId === null ? 'nothing yet' : html`<code>${sealingKeyId}</code>`),
    },
    { label: 'Reported', cell: ({ seenAt }) => when(seenAt, now) },
  ];
}
