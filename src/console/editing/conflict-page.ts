import type { Connection } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { hiddenFields } from '../layout/acts.ts';
import { isolated } from '../layout/owner.ts';
import { table } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import type { Draft } from './edit-form.ts';
import type { FormValues, SentForm } from './form-values.ts';
import { carried, shown } from './review-page.ts';

/** One field that changed since the form was opened: by the other edit, by this one, or by both. */
interface Difference {
  field: string;
  base: string;
  mine: string;
  theirs: string;
  /** Which value goes on; undefined if both edits changed the field in different ways. */
  taken: 'mine' | 'theirs' | undefined;
}

/** Compares an edit and the stored configuration with the configuration that the edit began with. */
export function differences({ base, values: mine }: Draft, theirs: FormValues): Difference[] {
  const fields = [...new Set([base, mine, theirs].flatMap((values) => Object.keys(values)))];
  return fields.flatMap((field): Difference[] => {
    const [old, own, other] = [base, mine, theirs].map((values) => values[field] ?? '');
    if (old === undefined || own === undefined || other === undefined || (own === old && other === old)) return [];
    const taken = own === other || own === old ? 'theirs' : other === old ? 'mine' : undefined;
    return [{ field, base: old, mine: own, theirs: other, taken }];
  });
}

/** Carries the edit over to the stored configuration. `choices` decide the fields that both edits changed. */
export function settled(draft: Draft, theirs: FormValues, revision: string, choices: SentForm): Draft {
  const values = Object.fromEntries(
    differences(draft, theirs)
      .filter(({ field, taken }) => (taken ?? choices[choiceOf(field)]) === 'mine')
      .map(({ field, mine }) => [field, mine]),
  );
  return { ...draft, base: theirs, revision, values: { ...theirs, ...values } };
}

export interface Conflict {
  visit: OrganizationVisit;
  /** The configuration that another edit has written. */
  connection: Connection;
  draft: Draft;
  theirs: FormValues;
  /** Entity tag of theirs. */
  revision: string;
}

/** Someone else has edited the connection: the three versions, and a choice where two of them differ. */
export function conflictPage({ visit, connection, draft, theirs, revision }: Conflict): Markup {
  const { href, csrfField, actor, now } = visit;
  const place = { name: connection.name, organizationId: actor.organizationId };
  const found = differences(draft, theirs);
  return html`<div class="title"><h1>Another edit of ${isolated(connection.name)} came first</h1></div>
<p role="alert">Nothing was changed by you. The connection was edited ${whenExactly(connection.updatedAt, now)}, after you opened the form.
Choose a version for each field that both edits changed, then review again.</p>
<form method="post" action="${href(connectionPage(place, 'edit'))}">${csrfField}
${carried(draft)}${hiddenFields({ theirs: JSON.stringify(theirs), their_revision: revision })}
${table(
  [
    { label: 'Field', cell: ({ field }) => html`<code>${field}</code>` },
    { label: 'Before both', cell: ({ base }) => shown(base) },
    { label: 'Theirs', cell: (row) => version(row, 'theirs') },
    { label: 'Yours', cell: (row) => version(row, 'mine') },
  ],
  found,
  { caption: 'Fields that changed', empty: html`<p>No field differs any more.</p>` },
)}
<div class="act-row"><button name="do" value="settle">Review again</button>
<a class="button quiet" href="${href(connectionPage(place, 'edit'))}">Drop my changes</a></div>
</form>`;
}

const words = { theirs: 'take theirs', mine: 'take yours' };

function version({ field, taken, ...values }: Difference, which: 'mine' | 'theirs'): Markup {
  const value = shown(values[which]);
  if (taken !== undefined) return html`${value}${taken === which ? html` <span class="soft">(taken)</span>` : null}`;
  return html`${value}<label class="check"><input type="radio" name="${choiceOf(field)}" value="${which}"${
    which === 'theirs' ? html` checked` : null
  }> ${words[which]}</label>`;
}

const choiceOf = (field: string) => `take.${field}`;
