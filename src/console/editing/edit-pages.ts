import type { ConnectionEdit, EditConnection, PreviewEdit } from '../../broker/connections/edit-connection.ts';
import type { GetConnection } from '../../broker/connections/read-connections.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { invalidRequest, isBrokerError } from '../../domain/errors.ts';
import { html } from '../../markup/html.ts';
import { notice } from '../layout/notices.ts';
import type { Answer, PageAnswer, Pages } from '../server/page-route.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { conflictPage, settled } from './conflict-page.ts';
import type { ConnectionBody } from './connection-input.ts';
import { type Draft, editForm, secretChanges } from './edit-form.ts';
import {
  bodyOf,
  type FieldFaults,
  faultsByField,
  fieldNames,
  type SentForm,
  sentForm,
  valuesFrom,
  valuesIn,
  valuesOf,
  variableField,
} from './form-values.ts';
import type { EditingParts } from './new-connection-pages.ts';
import { connectionParams, organizationQuery, ownConnection, revisionIn, tagOf } from './own-connection.ts';
import { reviewPage, textChanges } from './review-page.ts';
import { keyFieldName, secretIn } from './secret-part.ts';
import { genericTemplate } from './template-picker.ts';

export interface EditUseCases {
  getConnection: GetConnection;
  previewEdit: PreviewEdit;
  editConnection: EditConnection;
}

export function editPages(pages: Pages, useCases: EditUseCases, parts: EditingParts): void {
  const access = accessOf.patchConnection;
  const path = '/connections/{name}/edit';
  const common = { path, access, params: connectionParams, query: organizationQuery } as const;

  pages.mount({ ...common, method: 'GET' }, async (visit, { params }) => {
    const { connection } = await ownConnection(useCases, visit, params.name);
    const base = valuesOf(connection.settings);
    const draft: Draft = { base, revision: tagOf(connection), values: base, secretChange: 'keep' };
    return createEditing(visit, useCases, parts, connection).showForm(draft);
  });

  pages.mount({ ...common, method: 'POST', form: sentForm }, async (visit, { params, form }) => {
    const { connection } = await ownConnection(useCases, visit, params.name);
    const editing = createEditing(visit, useCases, parts, connection);
    const draft = editing.draftIn(form);
    if (form.do === 'show') return editing.showForm(draft);
    if (form.do === 'apply') return editing.apply(draft, form);
    if (form.do !== 'settle') return editing.review(draft);
    return editing.review(settled(draft, valuesFrom(form.theirs), form.their_revision ?? '', form));
  });
}

function createEditing(visit: OrganizationVisit, useCases: EditUseCases, parts: EditingParts, connection: Connection) {
  const { actor } = visit;
  const { catalogue, input } = parts;
  const templateOf = (provider: string | undefined): ProviderTemplate => {
    const ids = [provider ?? '', connection.settings.provider, genericTemplate];
    const template = ids.map((id) => catalogue.find(id)).find((found) => found !== undefined);
    if (template === undefined) throw invalidRequest({ path: 'provider', message: 'is not the id of a template' });
    return template;
  };
  const answer = (title: string, body: PageAnswer['body'], status = 200): PageAnswer => ({
    title: `${title} ${connection.name}`,
    section: 'connections',
    body,
    status,
  });
  const editOf = (draft: Draft, body: ConnectionBody, confirmDisconnect: boolean): ConnectionEdit => {
    const change = input.readMerge(body);
    return { ...change, ifMatch: [revisionIn(draft.revision, connection) ?? ''], confirmDisconnect };
  };

  function showForm(draft: Draft, faults: FieldFaults = {}, message: PageAnswer['body'] | null = null): PageAnswer {
    const template = templateOf(draft.values.provider);
    const context = { template, templates: catalogue.list(), values: draft.values, faults };
    const status = Object.keys(faults).length === 0 ? 200 : 400;
    return answer('Edit', editForm({ ...context, visit, connection, draft, message }), status);
  }

  /** Shows the faults of the settings in the form, those of the secret in the review, and another edit beside this one. */
  async function answerRefusal(error: unknown, draft: Draft, form: SentForm): Promise<Answer> {
    if (isBrokerError(error, 'precondition_failed')) return showConflict(draft, form);
    if (isBrokerError(error, 'would_disconnect')) return review(draft, { confirm_disconnect: 'must be checked' }, form);
    if (isBrokerError(error, 'client_secret_required'))
      return review(draft, { client_secret: 'is required for this change' }, form);
    const template = templateOf(draft.values.provider);
    const variables = Object.keys(template.variables).map(variableField);
    const faults = faultsByField(error, [...fieldNames, ...variables, 'client_secret', keyFieldName]);
    const isAboutSecret = Object.keys(faults).every((name) => name === 'client_secret' || name === keyFieldName);
    if (form.do === 'apply' && isAboutSecret) return review(draft, faults, form);
    const { client_secret: secretFault, ...others } = faults;
    return showForm(draft, secretFault === undefined ? faults : { ...others, '': `client_secret ${secretFault}` });
  }

  async function showConflict(draft: Draft, form: SentForm): Promise<Answer> {
    const { connection: current } = await ownConnection(useCases, visit, connection.name);
    const theirs = valuesOf(current.settings);
    // The same edit twice, as a double click sends it: the first one has done all.
    if (form.do === 'apply' && draft.secretChange === 'keep' && isSameEdit(draft, theirs)) return edited();
    const body = conflictPage({ visit, connection: current, draft, theirs, revision: tagOf(current) });
    return answer('Another edit of', body, 412);
  }

  const edited = () => ({
    seeOther: `${connectionPage({ name: connection.name, organizationId: actor.organizationId })}&done=edited`,
  });

  async function review(draft: Draft, faults: FieldFaults = {}, form: SentForm = {}): Promise<Answer> {
    try {
      const patch = bodyOf(draft.base, draft.values);
      const isEmpty = Object.keys(patch).length === 0 && draft.secretChange === 'keep';
      if (isEmpty) return showForm(draft, {}, notice('quiet', html`Nothing is changed yet.`));
      const secret = draft.secretChange === 'remove' ? { client_secret: null } : {};
      const preview = await planned(draft, { ...patch, ...secret });
      const changes = preview === null ? textChanges(draft) : input.changesOf(preview, actor.organizationId);
      const secretRow =
        draft.secretChange === 'replace' && preview !== null
          ? [{ field: 'client_secret', changed: true } as const]
          : [];
      const template = templateOf(draft.values.provider);
      const wasSecretSent = (form.client_secret ?? form[keyFieldName] ?? '') !== '';
      const shown = { visit, connection, template, draft, patch, preview, faults, wasSecretSent };
      const body = reviewPage({ ...shown, changes: [...changes, ...secretRow], etag: `"${draft.revision}"` });
      return answer('Review the changes of', body, Object.keys(faults).length === 0 ? 200 : 400);
    } catch (error) {
      return answerRefusal(error, draft, { do: 'review' });
    }
  }

  /** Plans an edit without its new secret. Null if the settings cannot be judged without one. */
  async function planned(draft: Draft, body: ConnectionBody) {
    try {
      return await useCases.previewEdit(actor, connection.name, editOf(draft, body, false));
    } catch (error) {
      const lacksSecret =
        draft.secretChange === 'replace' &&
        isBrokerError(error, 'invalid_request') &&
        error.details.errors.every(({ path }) => path === 'client_secret');
      if (lacksSecret) return null;
      throw error;
    }
  }

  async function apply(draft: Draft, form: SentForm): Promise<Answer> {
    try {
      const typed = secretIn(form);
      if (draft.secretChange === 'replace' && typed === undefined)
        throw invalidRequest({ path: 'client_secret', message: 'must be typed here' });
      const secret = draft.secretChange === 'remove' ? null : typed;
      const body = { ...bodyOf(draft.base, draft.values), ...(secret !== undefined && { client_secret: secret }) };
      await useCases.editConnection(actor, connection.name, editOf(draft, body, form.confirm_disconnect !== undefined));
      return edited();
    } catch (error) {
      return answerRefusal(error, draft, form);
    }
  }

  return {
    showForm,
    review,
    apply,
    draftIn(form: SentForm): Draft {
      const values = valuesIn(form, templateOf(form.provider));
      const secretChange = secretChanges.find((each) => each === form.secret_change) ?? 'keep';
      return { base: valuesFrom(form.base), revision: form.revision ?? '', values, secretChange };
    },
  };
}

/** Tells whether the stored configuration is what the edit asked for. */
function isSameEdit({ values }: Draft, theirs: Draft['values']): boolean {
  return Object.keys(bodyOf(theirs, values)).length === 0;
}
