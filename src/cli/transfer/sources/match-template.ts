import { pathOf } from '../../../client/transport/request-url.ts';
import type { Api } from '../../api.ts';

/** Members of GET /providers/{id} that tell whether a template fits. */
export interface Template {
  id: string;
  authorization_url: string | null;
  token_url: string | null;
  variables: Readonly<Record<string, { pattern: string }>>;
}

export interface Match {
  provider: string;
  variables?: Record<string, string>;
}

/** Reads all templates of the broker. */
export async function readTemplates(api: Api): Promise<Template[]> {
  const { body } = await api.call<{ providers: { id: string }[] }>({ method: 'GET', path: '/providers' });
  const details = body.providers.map(({ id }) => api.call<Template>({ method: 'GET', path: pathOf('providers', id) }));
  return (await Promise.all(details)).map((answer) => answer.body);
}

/**
 * Finds the template with these URLs, and the values of its variables in them. Of several, that with the preferred id,
 * otherwise that with the shortest id, which is the most general. A template with the preferred id also fits if only the
 * host of its authorization URL is equal: providers move their token endpoints.
 */
export function matchTemplate(
  templates: readonly Template[],
  urls: { authorizationUrl: string; tokenUrl: string },
  preferred: string,
): Match | undefined {
  const matches = templates.flatMap((template) => {
    const variables = variablesIn(template, urls);
    return variables === undefined ? [] : [{ template, variables }];
  });
  matches.sort((a, b) => rank(a.template) - rank(b.template));
  const [best] = matches;
  if (best !== undefined) return toMatch(best.template, best.variables);
  const named = templates.find(({ id }) => id === preferred);
  const fits = named !== undefined && Object.keys(named.variables).length === 0 && hasHostOf(named, urls);
  return fits ? toMatch(named, {}) : undefined;

  function rank({ id }: Template): number {
    return id === preferred ? 0 : id.length;
  }
}

function toMatch({ id }: Template, variables: Record<string, string>): Match {
  return { provider: id, ...(Object.keys(variables).length > 0 && { variables }) };
}

function hasHostOf({ authorization_url: url }: Template, { authorizationUrl }: { authorizationUrl: string }): boolean {
  return url !== null && URL.canParse(url) && new URL(url).host === new URL(authorizationUrl).host;
}

function variablesIn(
  { authorization_url, token_url, variables }: Template,
  { authorizationUrl, tokenUrl }: { authorizationUrl: string; tokenUrl: string },
): Record<string, string> | undefined {
  if (authorization_url === null || token_url === null) return undefined;
  const inAuthorization = valuesIn(authorization_url, authorizationUrl);
  const inToken = valuesIn(token_url, tokenUrl);
  if (inAuthorization === undefined || inToken === undefined) return undefined;
  const values = { ...inAuthorization, ...inToken };
  const isConsistent = Object.entries(inAuthorization).every(([name, value]) => values[name] === value);
  const isValid = Object.entries(values).every(([name, value]) =>
    new RegExp(variables[name]?.pattern ?? '').test(value),
  );
  return isConsistent && isValid ? values : undefined;
}

/** Values of the placeholders `{name}` of a template in an address; undefined if the rest differs. */
function valuesIn(template: string, address: string): Record<string, string> | undefined {
  const names: string[] = [];
  const parts = template.split(/\{(\w+)\}/);
  const pattern = parts
    .map((part, index) => {
      if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
      if (names.includes(part)) return `\\${names.indexOf(part) + 1}`;
      names.push(part);
      return '([^/?#]+?)';
    })
    .join('');
  const found = new RegExp(`^${pattern}$`).exec(address);
  return found === null ? undefined : Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? '']));
}
