import { connectionPage, grantPage } from '../../../src/domain/console/console-pages.ts';
import type { Scene } from './scene.ts';

/** Parts of a scene that stand in addresses. */
export type Places = Pick<Scene, 'organization' | 'working' | 'failing' | 'keyId' | 'dataKeyId' | 'workflowId'>;

type Addresses = (places: Places) => readonly string[];
type ConnectionPart = NonNullable<Parameters<typeof connectionPage>[1]>;
type GrantPart = NonNullable<Parameters<typeof grantPage>[1]>;

const at =
  (...addresses: string[]): Addresses =>
  () =>
    addresses;

/** A page of a connection, for one that works and for one that fails. */
const connectionAt =
  (part?: ConnectionPart): Addresses =>
  ({ organization, working, failing }) =>
    [working, failing].map(({ name }) => connectionPage({ name, organizationId: organization }, part));

const grantAt =
  (part?: GrantPart): Addresses =>
  ({ organization, working, failing }) =>
    [working, failing].map(({ name, grantId }) =>
      grantPage({ connectionName: name, organizationId: organization, grantId }, part),
    );

/**
 * Every page of the console, by its declared path, with the addresses that show it. test/e2e/console-pages.test.ts fails if a
 * page that is mounted is not in it.
 */
export const addressesOf: Readonly<Record<string, Addresses>> = {
  '/console': at('/console'),
  '/console/sign-in': at('/console/sign-in', '/console/sign-in?ended=signed_out'),
  '/console/sessions': at('/console/sessions'),
  '/console/connections': at('/console/connections', '/console/connections?q=no-such-connection'),
  '/console/new-connection': ({ organization }) => [
    `/console/new-connection?organization=${organization}`,
    `/console/new-connection?organization=${organization}&provider=hubspot`,
    `/console/new-connection?organization=${organization}&provider=generic`,
  ],
  '/console/connections/{name}': connectionAt(),
  '/console/connections/{name}/grants': connectionAt('grants'),
  '/console/connections/{name}/timeline': connectionAt('timeline'),
  '/console/connections/{name}/dependants': connectionAt('dependants'),
  '/console/connections/{name}/settings': connectionAt('settings'),
  '/console/connections/{name}/use': connectionAt('use'),
  '/console/connections/{name}/why': connectionAt('why'),
  '/console/connections/{name}/edit': connectionAt('edit'),
  '/console/connections/{name}/delete': connectionAt('delete'),
  '/console/connections/{name}/share': connectionAt('share'),
  '/console/connections/{name}/grants/{grant_id}': grantAt(),
  '/console/connections/{name}/grants/{grant_id}/revoke': grantAt('revoke'),
  '/console/connections/{name}/grants/{grant_id}/delete': grantAt('delete'),
  '/console/explain': ({ organization, working, failing }) => [
    '/console/explain',
    ...[working, failing].map(({ name }) => `/console/explain?organization=${organization}&name=${name}`),
  ],
  '/console/grants': at('/console/grants', '/console/grants?next_action=authorize'),
  '/console/workflows': ({ organization }) => [`/console/workflows?organization=${organization}`],
  '/console/workflows/{id}': ({ organization, workflowId }) => [
    `/console/workflows/${workflowId}?organization=${organization}`,
    `/console/workflows/never-seen?organization=${organization}`,
  ],
  '/console/sweeps': at('/console/sweeps'),
  '/console/audit': at('/console/audit', '/console/audit?connection=no-such-connection'),
  '/console/api-keys': at('/console/api-keys'),
  '/console/api-keys/new': at('/console/api-keys/new'),
  '/console/api-keys/{id}/revoke': ({ keyId }) => [`/console/api-keys/${keyId}/revoke`],
  '/console/providers': at('/console/providers'),
  '/console/providers/{id}': at('/console/providers/slack'),
  '/console/encryption': at('/console/encryption'),
  '/console/encryption/data-keys/{id}/retire': ({ dataKeyId }) => [`/console/encryption/data-keys/${dataKeyId}/retire`],
  '/console/doctor': at('/console/doctor'),
};

/** Pages that are opened without a session. */
export const publicPages: readonly string[] = ['/console/sign-in'];

/** Addresses that show no page: a file of lines, and the redirects to and from the identity provider. */
export const withoutPage: readonly string[] = [
  '/console/audit.ndjson',
  '/console/sign-in/callback',
  '/console/sign-in/provider',
];
