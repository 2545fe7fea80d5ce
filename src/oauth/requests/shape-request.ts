import type { ProviderTemplate } from '../../domain/connections/template.ts';
import type { OutboundRequest } from '../../outbound/http-types.ts';

/** A request in the standard form that the protocol core writes. */
export interface StandardRequest {
  url: string;
  parameters: URLSearchParams;
  headers: Record<string, string>;
}

type Shape = Pick<ProviderTemplate, 'requestBody' | 'requestHeaders' | 'renamedParams'>;

/** Adapts a standard request to the provider: renames or drops parameters, and writes them as form, JSON or query. */
export function shapeRequest(standard: StandardRequest, shape: Shape): OutboundRequest {
  const parameters = renameParameters(standard.parameters, shape.renamedParams);
  const { 'content-type': _, ...kept } = standard.headers;
  const headers = { ...kept, accept: 'application/json', ...lowerCased(shape.requestHeaders) };
  const request = { method: 'POST' as const, url: standard.url };
  switch (shape.requestBody) {
    case 'form':
      return {
        ...request,
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: parameters.toString(),
      };
    case 'json': {
      const body = JSON.stringify(Object.fromEntries(parameters));
      return { ...request, headers: { ...headers, 'content-type': 'application/json' }, body };
    }
    case 'query': {
      const url = new URL(standard.url);
      for (const [name, value] of parameters) url.searchParams.set(name, value);
      return { ...request, url: url.href, headers, body: null };
    }
  }
}

export function renameParameters(parameters: URLSearchParams, renamed: Record<string, string | null>): URLSearchParams {
  const result = new URLSearchParams();
  for (const [name, value] of parameters) {
    const sentAs = Object.hasOwn(renamed, name) ? renamed[name] : name;
    if (sentAs !== null && sentAs !== undefined) result.append(sentAs, value);
  }
  return result;
}

/** Lower-cases header names, so that a template's header replaces ours in any spelling. */
export function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
