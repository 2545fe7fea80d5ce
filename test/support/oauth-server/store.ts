import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';

interface Row {
  model: string;
  payload: AdapterPayload;
  expiresAt: number;
}

/** Keeps the data of the authorization server in memory, without the size limit of its built-in adapter. */
export function createOAuthServerStore() {
  const rows = new Map<string, Row>();

  function find(key: string): AdapterPayload | undefined {
    const row = rows.get(key);
    return row !== undefined && row.expiresAt > Date.now() ? row.payload : undefined;
  }

  function findWhere(model: string, matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, row] of rows) if (row.model === model && matches(row.payload)) return find(key);
    return undefined;
  }

  function revokeByGrantId(grantId: string): void {
    for (const [key, row] of rows) if (row.payload.grantId === grantId) rows.delete(key);
  }

  function adapterOf(model: string): Adapter {
    const keyOf = (id: string) => `${model}:${id}`;
    return {
      async upsert(id, payload, expiresIn) {
        rows.set(keyOf(id), { model, payload, expiresAt: Date.now() + (expiresIn ?? Number.POSITIVE_INFINITY) * 1000 });
      },
      async find(id) {
        return find(keyOf(id));
      },
      async findByUid(uid) {
        return findWhere(model, (payload) => payload.uid === uid);
      },
      async findByUserCode(userCode) {
        return findWhere(model, (payload) => payload.userCode === userCode);
      },
      // The server checks for reuse before it consumes, with awaits in between. Of two simultaneous requests only this
      // check, which runs in one tick, rejects the second.
      async consume(id) {
        const payload = find(keyOf(id));
        if (payload === undefined) return;
        if (payload.consumed !== undefined) {
          if (payload.grantId !== undefined) revokeByGrantId(payload.grantId);
          throw new errors.InvalidGrant('already used');
        }
        payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        rows.delete(keyOf(id));
      },
      async revokeByGrantId(grantId) {
        revokeByGrantId(grantId);
      },
    };
  }

  return {
    adapterOf,
    /** Deletes every row of a model, as a provider does when its users withdraw consent. */
    drop(model: 'AccessToken' | 'RefreshToken' | 'Grant'): void {
      for (const [key, row] of rows) if (row.model === model) rows.delete(key);
    },
  };
}

export type OAuthServerStore = ReturnType<typeof createOAuthServerStore>;
