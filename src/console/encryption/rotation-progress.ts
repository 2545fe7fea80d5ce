import type { EncryptionState } from '../../broker/keys/read-encryption.ts';
import {
  type KeyRotation,
  type RotationState,
  type SealedPlace,
  sealedPlaces,
} from '../../domain/ports/maintenance/key-rotation.ts';
import { html, type Markup } from '../../markup/html.ts';
import { isolated } from '../layout/owner.ts';
import { badge, type Tone } from '../layout/status.ts';
import { pairs } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';

const stateWords: Record<RotationState, { tone: Tone; word: string; text: string }> = {
  distributing: { tone: 'warn', word: 'Waiting', text: 'Processes load the new keys.' },
  resealing: { tone: 'warn', word: 'Running', text: 'Stored secrets are sealed anew.' },
  finished: { tone: 'good', word: 'Finished', text: 'The last rotation is over.' },
};

const placeWords: Record<SealedPlace, string> = {
  'connections.sealed_client_secrets': 'client secrets',
  'grants.sealed_tokens': 'tokens of grants',
  'authorizations.sealed_verifier': 'verifiers of authorizations',
  'authorizations.sealed_waiting': 'tokens that wait for a confirmation',
  'pending_revocations.sealed_tokens': 'tokens to revoke',
  'pending_revocations.sealed_client_secrets': 'client secrets for revocations',
};

/** Shows the active or the last rotation. */
export function rotationProgress({ rotation, waitsFor, processes }: EncryptionState, now: Date): Markup {
  if (rotation === null) return html`<p>No rotation was started yet.</p>`;
  const { tone, word, text } = stateWords[rotation.state];
  const hosts = processes.filter(({ id }) => waitsFor.includes(id)).map(({ host }) => host);
  return html`<p>${badge(tone, word)} ${text}</p>
${rotation.state === 'resealing' ? bar(rotation) : null}
${pairs([
  ['Wraps with', html`<code>${rotation.encryptionKeyId}</code>`],
  [
    'New data key',
    rotation.dataKeyId === null ? 'none: data keys are wrapped anew' : html`<code>${rotation.dataKeyId}</code>`,
  ],
  ['Started', html`${whenExactly(rotation.startedAt, now)} by ${isolated(rotation.startedBy)}`],
  ['Finished', whenExactly(rotation.finishedAt, now, 'not yet')],
  ['Rows examined', rotation.examined],
  ['Secrets sealed anew', rotation.resealed],
])}
${hosts.length === 0 ? null : html`<p><strong>Waits for</strong> ${hosts.join(', ')}. A process that runs with the old <code>ENCRYPTION_KEYS</code> must be restarted.</p>`}
${rotation.unreadable === 0 ? null : html`<p class="fault">${rotation.unreadable} stored secrets do not open. The log names their rows.</p>`}`;
}

/** Columns are passed one after the other. The number of rows is not known, so the bar counts columns. */
function bar({ place, pass }: KeyRotation): Markup {
  const done = place === null ? sealedPlaces.length : sealedPlaces.indexOf(place);
  const label = place === null ? 'all' : placeWords[place];
  return html`<p><label for="bar">Pass ${pass}: ${label}</label><br><progress id="bar" max="${sealedPlaces.length}" value="${done}">${done} of ${sealedPlaces.length}</progress></p>`;
}
