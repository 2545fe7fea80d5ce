/** What opening the link leads to. `browserId` is to be kept in the browser's cookie. */
export type OpenedAuthorization = { kind: 'redirect'; url: string } | { kind: 'refused'; message: string };

/** Binds the browser to the trip (the latest opener wins) and says where the provider is. */
export type OpenAuthorization = (state: string, browserId: string) => Promise<OpenedAuthorization>;
