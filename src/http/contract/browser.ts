import { z } from 'zod';
import { declare } from '../declaration.ts';
import { opaque } from './parameters.ts';

const open = { for: 'public', limited: true } as const;
const page = z.string();
const responses = {
  200: { description: 'A page that tells the person the outcome.', schema: page, mediaType: 'text/html' },
  303: {
    description:
      'Redirect to return_url with the query parameters status, connection_name, status_reason and client_state. With binding_challenge: status=confirmation_required, authorization_id and confirmation_code.',
    headers: { Location: 'The return_url with the outcome.' },
  },
  400: {
    description:
      'A page: the state is unknown, or belongs to another browser, connection or issuer. No code was exchanged. A link that has expired or was cancelled, and an edited or deleted connection, lead to return_url if there is one.',
    schema: page,
    mediaType: 'text/html',
  },
};
const toGlobal = z.object({ name: opaque.describe('Name of the connection.') });
const toOrganization = toGlobal.extend({ organization_id: opaque.describe('Organisation that owns the connection.') });
const returned = {
  tag: 'Browser',
  description:
    'The provider sends the authorization response here (RFC 6749 §4.1.2, RFC 9207). Each parameter may appear once. Any later request for the same state from the same browser shows the outcome that was reached.',
  access: open,
  responses,
  problems: [],
} as const;

const opening = {
  tag: 'Browser',
  path: '/authorize/{state}',
  access: open,
  params: z.object({ state: opaque.describe('State of the authorization.') }),
  responses: {
    303: {
      description: 'Redirect to the provider, or to return_url with the outcome that this browser reached before.',
      headers: {
        Location: 'Authorization URL at the provider, or the return_url.',
        'Set-Cookie': 'Signed id of this opening.',
      },
    },
    200: {
      description:
        'The page before the provider: it names the organisation, the subject, the connection and the provider. Or a page with the outcome that this browser reached before.',
      schema: page,
      mediaType: 'text/html',
    },
    400: { description: 'A page: the link is unknown, used or expired.', schema: page, mediaType: 'text/html' },
  },
  problems: [],
} as const;

export const openAuthorization = declare({
  ...opening,
  operationId: 'openAuthorization',
  summary: 'Open an authorization link',
  description:
    'Shows the page before the provider, which changes nothing. Without that page (CONFIRM_PAGE) it binds the authorization to this browser with a signed cookie and redirects to the provider. HEAD has no effect.',
  method: 'GET',
});

export const continueAuthorization = declare({
  ...opening,
  operationId: 'continueAuthorization',
  summary: 'Go on from the page before the provider',
  description:
    'The form of the page. Binds the authorization to this browser with a signed cookie and redirects to the provider. Without the token of the page it shows the page again.',
  method: 'POST',
});

export const callback = declare({
  ...returned,
  operationId: 'callback',
  summary: 'Receive the authorization response for a global connection',
  method: 'GET',
  path: '/callback/{name}',
  params: toGlobal,
});

export const callbackForm = declare({
  ...returned,
  operationId: 'callbackForm',
  summary: 'Receive the authorization response for a global connection by form_post',
  method: 'POST',
  path: '/callback/{name}',
  params: toGlobal,
});

export const organizationCallback = declare({
  ...returned,
  operationId: 'organizationCallback',
  summary: 'Receive the authorization response for an organisation’s connection',
  method: 'GET',
  path: '/callback/{organization_id}/{name}',
  params: toOrganization,
});

export const organizationCallbackForm = declare({
  ...returned,
  operationId: 'organizationCallbackForm',
  summary: 'Receive the authorization response for an organisation’s connection by form_post',
  method: 'POST',
  path: '/callback/{organization_id}/{name}',
  params: toOrganization,
});
