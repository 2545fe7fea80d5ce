import type { Page } from 'playwright-core';
import type { Service } from '../../contract/service.ts';

/** Values that an administrator copies from a provider into a new connection. */
export interface ProviderValues {
  authorizationUrl: string;
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  scopes: string;
}

/** Registers a client at the provider of the tests, with the redirect URI of a connection that does not exist yet. */
export async function registerFor(service: Service, organization: string, name: string): Promise<ProviderValues> {
  const { provider, broker } = service;
  const { clientId, clientSecret } = await provider.registerClient();
  await provider.addRedirectUri(clientId, `${broker.url}/callback/${organization}/${name}`);
  const { authorization: authorizationUrl, token: tokenUrl } = provider.endpoints;
  return { authorizationUrl, tokenUrl, clientId, clientSecret, scopes: 'openid profile offline_access' };
}

/** From the list to a connection that exists, through the form for a provider without a template. */
export async function createConnection(
  page: Page,
  name: string,
  organization: string,
  values: ProviderValues,
): Promise<void> {
  await page.getByRole('link', { name: 'New connection' }).click();
  await page.getByRole('link', { name: 'Use plain OAuth 2.0' }).click();
  await page.getByLabel('Organisation', { exact: true }).fill(organization);
  await page.getByLabel('Connection name').fill(name);
  await page.getByLabel('Authorization URL').fill(values.authorizationUrl);
  await page.getByLabel('Token URL').fill(values.tokenUrl);
  await page.getByLabel('Client ID').fill(values.clientId);
  await page.getByLabel('Client secret').first().fill(values.clientSecret);
  await page.getByLabel('Scopes').fill(values.scopes);
  await page.getByRole('button', { name: 'Create connection' }).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

/** Signs in at the provider of the tests, and allows access. */
export async function consentAs(provider: Page, login: string): Promise<void> {
  await provider.getByLabel('Account').fill(login);
  await provider.getByRole('button', { name: 'Sign in' }).click();
  await provider.getByRole('button', { name: 'Allow access' }).click();
}
