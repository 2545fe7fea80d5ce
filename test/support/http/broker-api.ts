/** Members that callers read. A response has only those of its route and status. */
export interface ResponseBody {
  [member: string]: unknown;
  code: string;
  status: string;
  redirect_uri: string;
  authorization_url: string;
  state: string;
  access_token: string;
  expires_at: string;
  grant_id: string;
}

/** A response of the broker's API. `body` is an empty object if the response has no JSON. */
export interface ApiResponse {
  status: number;
  headers: Headers;
  body: ResponseBody;
  text: string;
}

export interface ApiCall {
  body?: unknown;
  /** Value of the X-Organization-Id header. */
  organization?: string | undefined;
  headers?: Record<string, string>;
}

export type Api = ReturnType<typeof createApi>;

/** Calls the broker as a service does. */
export function createApi(url: string, key: string) {
  async function call(
    method: string,
    path: string,
    { body, organization, headers = {} }: ApiCall = {},
  ): Promise<ApiResponse> {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(organization === undefined ? {} : { 'x-organization-id': organization }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : {}) as ResponseBody,
      text,
    };
  }

  return {
    call,
    get: (path: string, options?: ApiCall) => call('GET', path, options),
    post: (path: string, body?: unknown, options?: ApiCall) => call('POST', path, { ...options, body }),
    patch: (path: string, body: unknown, options?: ApiCall) => call('PATCH', path, { ...options, body }),
    delete: (path: string, options?: ApiCall) => call('DELETE', path, options),
  };
}
