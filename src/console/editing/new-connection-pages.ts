import { z } from 'zod';
import type { ListFleetConnections } from '../../broker/administration/read-fleet-connections.ts';
import type { CreateConnection } from '../../broker/connections/create-connection.ts';
import { createRedirectUriOf } from '../../broker/redirect-uri.ts';
import { accessOf, authorize } from '../../domain/callers/access.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import { connectionNamePattern, organizationIdPattern } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { invalidRequest, isBrokerError } from '../../domain/errors.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { optionalText, organizationField } from '../server/forms.ts';
import type { Answer, PageAnswer, Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import type { ConnectionBody, ConnectionInput } from './connection-input.ts';
import {
  bodyOf,
  defaultValues,
  type FieldFaults,
  faultsByField,
  fieldNames,
  type SentForm,
  sentForm,
  valuesIn,
  variableField,
} from './form-values.ts';
import { firstOwner, newConnectionForm } from './new-connection-page.ts';
import { keyFieldName, secretIn } from './secret-part.ts';
import { templatePicker } from './template-picker.ts';

export interface NewConnectionUseCases {
  createConnection: CreateConnection;
  listFleetConnections: ListFleetConnections;
}

export interface EditingParts {
  catalogue: Pick<ProviderCatalogue, 'find' | 'list'>;
  input: ConnectionInput;
}

/** The owner is chosen in the form, so the page itself belongs to no organisation. */
const access = { for: 'caller', permission: accessOf.createConnection.permission } as const;
/** Connections that are read to find the providers in use. */
const sampleSize = 200;

export function newConnectionPages(pages: Pages, useCases: NewConnectionUseCases, parts: EditingParts): void {
  const { catalogue } = parts;
  const query = z.object({ provider: optionalText, q: optionalText, organization: organizationField });

  pages.mount({ method: 'GET', path: '/new-connection', access, query }, async (visit, { query }) => {
    const { provider, q, organization } = query;
    const template = provider === undefined ? undefined : catalogue.find(provider);
    if (template !== undefined) {
      const form = { ...firstValues(template), organization: firstOwner(visit.caller, organization) };
      return formPage(visit, parts, template, form, {});
    }
    const used = await usedProviders(visit, useCases);
    const templates = catalogue.list();
    return page('New connection', templatePicker({ visit, q, organization, templates, used, unknown: provider }));
  });

  pages.mount({ method: 'POST', path: '/new-connection', access, form: sentForm }, async (visit, { form }) => {
    const template = catalogue.find(form.provider ?? '');
    if (template === undefined) throw invalidRequest({ path: 'provider', message: 'is not the id of a template' });
    if (form.do !== 'create') return formPage(visit, parts, template, form, {});
    return create(visit, useCases, parts, template, form);
  });
}

async function create(
  visit: Visit,
  { createConnection }: NewConnectionUseCases,
  parts: EditingParts,
  template: ProviderTemplate,
  form: SentForm,
): Promise<Answer> {
  try {
    const secret = secretIn(form);
    const body = { ...newBody(template, form), ...(secret !== undefined && { client_secret: secret }) };
    const actor = ownerIn(visit, form);
    const { connection } = await createConnection(actor, parts.input.readNew(body));
    return { seeOther: `${connectionPage(connection)}&done=created` };
  } catch (error) {
    const faults = isBrokerError(error, 'connection_exists')
      ? { connection_name: 'is the name of another connection of this owner' }
      : faultsByField(error, [...fieldNames, ...variablesOf(template), ...ownFields]);
    return {
      ...formPage(visit, parts, template, form, faults),
      status: isBrokerError(error, 'connection_exists') ? 409 : 400,
    };
  }
}

const ownFields = ['connection_name', 'organization', 'client_secret', keyFieldName];
const variablesOf = ({ variables }: ProviderTemplate) => Object.keys(variables).map(variableField);

/** Returns the visitor acting for the owner that the form names. Throws invalid_request, forbidden. */
function ownerIn({ caller, trace }: Visit, { organization = '' }: SentForm): Actor {
  if (organization !== '' && !organizationIdPattern.test(organization))
    throw invalidRequest({ path: 'organization', message: `must match ${organizationIdPattern.source}` });
  try {
    return authorize(caller, accessOf.createConnection, organization === '' ? null : organization, trace);
  } catch (error) {
    if (!isBrokerError(error, 'forbidden')) throw error;
    throw invalidRequest({ path: 'organization', message: 'is not one that you may act for' });
  }
}

/** Body of the creation, without the secret. Throws invalid_request. */
function newBody(template: ProviderTemplate, form: SentForm): ConnectionBody {
  const { connection_name: name = '' } = form;
  const { provider, ...body } = bodyOf(defaultValues(template), valuesIn(form, template));
  return { ...(name.trim() !== '' && { connection_name: name.trim() }), provider, ...body };
}

function formPage(
  visit: Visit,
  { catalogue }: EditingParts,
  template: ProviderTemplate,
  form: SentForm,
  faults: FieldFaults,
): PageAnswer {
  const { connection_name: typedName = '', organization = '' } = form;
  const name = typedName.trim();
  const isName = connectionNamePattern.test(name);
  const redirectUri = createRedirectUriOf(() => visit.baseUrl)({
    organizationId: organization === '' ? null : organization,
    name: isName ? name : '{connection name}',
  });
  const values = valuesIn(form, template);
  const wasSecretSent = [form.client_secret, form[keyFieldName]].some((text) => text !== undefined && text !== '');
  const context = { template, templates: catalogue.list(), values, faults, visit, name, isName, organization };
  return page(
    `New connection: ${template.displayName}`,
    newConnectionForm({ ...context, redirectUri, wasSecretSent, body: readable(() => newBody(template, form)) }),
  );
}

/** Values that the form begins with: the defaults, with the template and a flow that it has. */
function firstValues(template: ProviderTemplate) {
  const values = defaultValues(template);
  const [first] = template.flows;
  const flow = template.flows.some((each) => each === values.oauth_flow_type) ? undefined : first;
  return { ...values, provider: template.id, ...(flow && { oauth_flow_type: flow }) };
}

function readable(read: () => ConnectionBody): ConnectionBody | null {
  try {
    return read();
  } catch (error) {
    if (isBrokerError(error, 'invalid_request')) return null;
    throw error;
  }
}

const page = (title: string, body: PageAnswer['body']): PageAnswer => ({ title, section: 'connections', body });

/** Lists the providers that connections of the visitor's organisations use, the most used first. */
async function usedProviders(visit: Visit, { listFleetConnections }: NewConnectionUseCases): Promise<string[]> {
  if (!visit.may(accessOf.listFleetConnections)) return [];
  const { connections } = await listFleetConnections(visit.caller, {}, { limit: sampleSize });
  const counts = Map.groupBy(connections, ({ connection }) => connection.settings.provider);
  return [...counts].sort(([, one], [, other]) => other.length - one.length).map(([provider]) => provider);
}
