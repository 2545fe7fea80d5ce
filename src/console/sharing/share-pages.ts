import { z } from 'zod';
import type { CancelAuthorization } from '../../broker/authorizations/confirmation/cancel-authorization.ts';
import type { GetAuthorization } from '../../broker/authorizations/follow-authorization.ts';
import {
  plainStart,
  type StartAuthorization,
  type StartedAuthorization,
} from '../../broker/authorizations/start-authorization.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { isBrokerError } from '../../domain/errors.ts';
import { html, type Markup } from '../../markup/html.ts';
import { connectionAnswer } from '../connection/frame-of-connection.ts';
import {
  type ConnectionPagesSettings,
  nameParams,
  placeQuery,
  type ReadShownUseCases,
  readShown,
  type Shown,
} from '../connection/shown.ts';
import { doneNotice } from '../layout/notices.ts';
import { optionalText } from '../server/forms.ts';
import type { Answer, Pages } from '../server/page-route.ts';
import { shareForm } from './share-form.ts';
import { type Faults, readWishes, typedForm } from './share-wishes.ts';
import { linkState, newLink } from './shared-link.ts';

export interface SharingUseCases extends ReadShownUseCases {
  startAuthorization: StartAuthorization;
  getAuthorization: GetAuthorization;
  cancelAuthorization: CancelAuthorization;
}

/** `subject` and `account_id` fill the form, so that the page of a grant can ask for the same person again. */
const shareQuery = placeQuery.extend({ subject: optionalText, account_id: optionalText, done: optionalText });
const doneTexts = {
  cancelled: 'The link no longer works.',
  none: 'No link was open, so nothing was cancelled.',
};

/** Form of a state, as in the API. */
const stateField = z.object({ state: z.string().regex(/^[A-Za-z0-9_-]{16,512}$/) });

export function sharePages(pages: Pages, useCases: SharingUseCases, settings: ConnectionPagesSettings): void {
  const path = '/connections/{name}/share';
  const common = { params: nameParams, query: placeQuery, access: accessOf.startAuthorization } as const;
  const read = (...[visit, name]: [Shown['visit'], string]) => readShown(useCases, settings, visit, name);

  pages.mount({ ...common, method: 'GET', path, query: shareQuery }, async (visit, { params, query }) => {
    const { subject = '', account_id = '', done } = query;
    const typed = typedForm.parse({ subject, account_id });
    const shown = await read(visit, params.name);
    return answer(shown, shareForm(shown, typed, {}), doneNotice(doneTexts, done));
  });

  pages.mount({ ...common, method: 'POST', path, form: typedForm }, async (visit, { params: { name }, form }) => {
    const faulty = async (faults: Faults) => {
      const shown = await read(visit, name);
      return { ...answer(shown, shareForm(shown, form, faults)), status: 400 };
    };
    const wanted = readWishes(form);
    if (wanted.kind === 'faulty') return faulty(wanted.faults);
    let started: StartedAuthorization;
    try {
      started = await useCases.startAuthorization(visit.actor, name, { ...plainStart, ...wanted.wishes });
    } catch (error) {
      if (!isBrokerError(error, 'invalid_request')) throw error;
      return faulty(Object.fromEntries(error.details.errors.map(({ path, message }) => [path, message])));
    }
    const progress = await useCases.getAuthorization(visit.actor, started.state);
    const shown = await read(visit, name);
    return answer(shown, html`${newLink(shown, started, wanted.body)}${linkState(shown, started.state, progress)}`);
  });

  pages.mount(
    {
      ...common,
      method: 'POST',
      path: '/connections/{name}/share-status',
      access: accessOf.getAuthorization,
      form: stateField,
    },
    async (visit, { params: { name }, form: { state } }) => {
      const progress = await useCases.getAuthorization(visit.actor, state);
      const shown = await read(visit, name);
      return answer(shown, linkState(shown, state, progress));
    },
  );

  pages.mount(
    {
      ...common,
      method: 'POST',
      path: '/connections/{name}/share-cancel',
      access: accessOf.cancelAuthorization,
      form: z.object({ subject: z.string().default('') }),
    },
    async ({ actor }, { params: { name }, form: { subject } }) => {
      const cancelled = await useCases.cancelAuthorization(actor, name, subject === '' ? null : subject);
      const page = connectionPage({ name, organizationId: actor.organizationId }, 'share');
      return { seeOther: `${page}&done=${cancelled === 0 ? 'none' : 'cancelled'}` };
    },
  );
}

function answer(shown: Shown, body: Markup, result: Markup | null = null): Exclude<Answer, { seeOther: string }> {
  return connectionAnswer({ shown, tab: null, title: `Share a link: ${shown.place.name}`, result, body });
}
