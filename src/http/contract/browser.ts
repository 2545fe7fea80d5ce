import { z } from 'zod';
import { declare } from '../declaration.ts';
import { opaque } from './parameters.ts';

const open = { for: 'public', limited: true } as const;
const page = z.string();
const answers = {
  200: { description: 'A page with the outcome.', schema: page, mediaType: 'text/html' },
  303: {
    description: 'Back to the stored return_url, with status, connection_name and status_reason.',
    headers: { Location: 'The return_url.' },
  },
  400: {
    description: 'A page: unknown or used state, another browser, another path or issuer. Nothing was consumed.',
    schema: page,
    mediaType: 'text/html',
  },
};
const toGlobal = z.object({ name: opaque.describe('The connection’s name.') });
const toOrganization = toGlobal.extend({ organization_id: opaque.describe('The connection’s owner.') });
const returned = {
  tag: 'Browser',
  description: 'Parameters are those of RFC 6749 §4.1.2 and RFC 9207; each may come once.',
  access: open,
  answers,
  problems: [],
} as const;

export const openAuthorization = declare({
  operationId: 'openAuthorization',
  tag: 'Browser',
  summary: 'Open the link of a trip',
  description: 'Binds this browser to the trip by a signed cookie. HEAD does nothing.',
  method: 'GET',
  path: '/authorize/{state}',
  access: open,
  params: z.object({ state: opaque }),
  answers: {
    303: { description: 'To the provider.', headers: { Location: 'The provider.', 'Set-Cookie': 'The browser’s id.' } },
    400: { description: 'A page: unknown or expired.', schema: page, mediaType: 'text/html' },
  },
  problems: [],
});

export const callback = declare({
  ...returned,
  operationId: 'callback',
  summary: 'Return to a global connection',
  method: 'GET',
  path: '/callback/{name}',
  params: toGlobal,
});

export const callbackForm = declare({
  ...returned,
  operationId: 'callbackForm',
  summary: 'Return to a global connection by form_post',
  method: 'POST',
  path: '/callback/{name}',
  params: toGlobal,
});

export const organizationCallback = declare({
  ...returned,
  operationId: 'organizationCallback',
  summary: 'Return to an organisation’s connection',
  method: 'GET',
  path: '/callback/{organization_id}/{name}',
  params: toOrganization,
});

export const organizationCallbackForm = declare({
  ...returned,
  operationId: 'organizationCallbackForm',
  summary: 'Return to an organisation’s connection by form_post',
  method: 'POST',
  path: '/callback/{organization_id}/{name}',
  params: toOrganization,
});
