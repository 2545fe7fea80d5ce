import type { Connection, ConnectionSettings } from '../domain/connection.ts';
import { type EditEffect, effectOfEdit, redirectedFields, type SecretChange } from '../domain/edit.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthGateway, ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { Secret } from '../domain/secret.ts';
import type { CheckSettings, WrittenSettings } from './check-settings.ts';
import { openClient, sealClientSecrets } from './sealing.ts';

export interface ConnectionEdit {
  /** What the settings become; runs inside the transaction, on the row it holds. */
  apply: (current: ConnectionSettings) => WrittenSettings;
  /** Undefined keeps the secret, null removes it. */
  clientSecret: Secret | null | undefined;
  /** Revisions an If-Match header accepts; undefined where there was none, `*` for any. */
  ifMatch: readonly string[] | '*' | undefined;
}

export interface PlanEditDeps {
  oauth: Pick<OAuthGateway, 'endpoints'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  checkSettings: CheckSettings;
  cipher: Cipher;
  clock: () => Date;
}

/** What an edit comes to: the row it leaves, and what has to happen besides. */
export interface EditPlan {
  connection: Connection;
  effect: EditEffect;
  redirected: string[];
}

/** Throws invalid_request, client_secret_required. */
export function planEdit(deps: PlanEditDeps, current: Connection, edit: ConnectionEdit): EditPlan {
  const { checkSettings, cipher, clock } = deps;
  const held = openClient(cipher, current).secrets;
  const secret = secretChange(held, edit.clientSecret);
  const heldOrNone = held.length > 0 ? 'kept' : null;
  const written = edit.clientSecret === undefined ? heldOrNone : edit.clientSecret;
  const settings = checkSettings(edit.apply(current.settings), written);

  const redirected = redirectedFields(destinationOf(deps, current.settings), destinationOf(deps, settings));
  if (redirected.length > 0 && held.length > 0 && edit.clientSecret === undefined) {
    throw BrokerError.with(
      'client_secret_required',
      'This change sends secrets or tokens elsewhere: give the client_secret in the same request.',
      { changed: redirected },
    );
  }
  const effect = effectOfEdit(current.settings, settings, redirected, secret);
  if (!effect.changesAnything) return { connection: current, effect, redirected };
  const connection: Connection = {
    ...current,
    settings,
    sealedClientSecrets: sealedSecretsAfter(cipher, current, held, edit.clientSecret, effect),
    configVersion: current.configVersion + (effect.dropsTokens ? 1 : 0),
    revision: current.revision + 1,
    updatedAt: clock(),
  };
  return { connection, effect, redirected };
}

function secretChange(held: readonly Secret[], given: Secret | null | undefined): SecretChange {
  if (given === undefined) return 'kept';
  if (given === null) return held.length === 0 ? 'kept' : 'removed';
  return held[0]?.reveal() === given.reveal() ? 'kept' : 'replaced';
}

function sealedSecretsAfter(
  cipher: Cipher,
  current: Connection,
  held: readonly Secret[],
  given: Secret | null | undefined,
  effect: EditEffect,
): Connection['sealedClientSecrets'] {
  if (given === undefined) return current.sealedClientSecrets;
  if (given === null) return null;
  if (effect.keepsOldSecret) return sealClientSecrets(cipher, current, [given, ...held.slice(0, 1)]);
  // Nothing of an earlier destination goes along to a new one, and the same secret again leaves the list as it is.
  return effect.dropsTokens ? sealClientSecrets(cipher, current, [given]) : current.sealedClientSecrets;
}

function destinationOf({ oauth, catalogue }: PlanEditDeps, settings: ConnectionSettings) {
  const { provider, flow, clientId, variables } = settings;
  const tokenAuthMethod = settings.tokenAuthMethod ?? catalogue.find(provider)?.tokenAuthMethod ?? null;
  return { provider, flow, clientId, variables, tokenAuthMethod, ...oauth.endpoints(settings) };
}
