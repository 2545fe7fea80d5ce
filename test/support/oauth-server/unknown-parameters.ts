import type { Provider } from 'oidc-provider';

type Middleware = Parameters<Provider['use']>[0];

/** Parameters of RFC 6749, and the two of OpenID Connect that the tests send. */
const known: Readonly<Record<string, readonly string[]>> = {
  '/auth': ['response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'prompt'],
  '/token': ['grant_type', 'code', 'redirect_uri', 'refresh_token', 'scope', 'client_id', 'client_secret'],
};

/** Replies 400 to a request with another parameter. RFC 6749 §3.1 tells servers to ignore it; some do not. */
export const refuseUnknownParameters: Middleware = async (context, next) => {
  await next();
  const names = known[context.path];
  if (names === undefined) return;
  const { oidc } = context as Partial<typeof context> & { oidc?: { body?: Record<string, unknown> } };
  const sent = Object.keys({ ...context.query, ...oidc?.body });
  const unknown = sent.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  context.status = 400;
  context.body = { error: 'invalid_request', error_description: `unknown parameter ${unknown}` };
  context.remove('location');
};
