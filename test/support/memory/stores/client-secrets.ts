import type { ClientSecretStore, SecretsInUse } from '../../../../src/domain/ports/client-secrets.ts';
import type { MemoryRows, MemoryState } from './state.ts';

export function createMemoryClientSecrets({ write }: MemoryState): ClientSecretStore {
  const unchanged = (rows: MemoryRows, { id, sealedClientSecrets: used }: SecretsInUse) => {
    const connection = rows.connections.get(id);
    const held = connection?.sealedClientSecrets;
    return held && used && Buffer.from(held).equals(used) ? connection : undefined;
  };
  return {
    recordRefused: (used, at) =>
      write((draft) => {
        const connection = unchanged(draft, used);
        if (connection === undefined || connection.clientSecretRefusedAt !== null) return;
        draft.connections.set(connection.id, { ...connection, clientSecretRefusedAt: at });
      }),
    keepNewest: (used, sealedClientSecrets) =>
      write((draft) => {
        const connection = unchanged(draft, used);
        if (connection === undefined) return;
        draft.connections.set(connection.id, { ...connection, sealedClientSecrets, clientSecretRefusedAt: null });
      }),
  };
}
