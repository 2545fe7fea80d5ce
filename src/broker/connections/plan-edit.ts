import type { Connection, ConnectionSettings } from '../../domain/connections/connection.ts';
import {
  type EditEffect,
  effectOfEdit,
  isSame,
  redirectedFields,
  type SecretEdit,
} from '../../domain/connections/edit.ts';
import { originsOf } from '../../domain/connections/url-origins.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { SecretFingerprints } from '../../domain/ports/client-secrets.ts';
import type { OAuthGateway, ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { Secret } from '../../domain/secret.ts';
import { mayReceive } from '../known-origin.ts';
import { clientSecretsAt, openClient, sealClientSecrets } from '../sealing.ts';
import type { CheckSettings, WrittenSettings } from './check-settings.ts';
import type { IfMatch } from './require-match.ts';

export interface ConnectionEdit {
  /** Computes the new settings. Runs inside the transaction, on the locked row. */
  apply: (current: ConnectionSettings) => WrittenSettings;
  /** New client secret; undefined keeps the stored one, null removes it. */
  clientSecret: Secret | null | undefined;
  ifMatch: IfMatch;
  /** Whether the request applies the file that the connection is kept in. Any other edit is a drift from that file. */
  isApplied: boolean;
  /** Permits an edit that drops the tokens of working grants. */
  confirmDisconnect: boolean;
}

export interface PlanEditDeps {
  oauth: Pick<OAuthGateway, 'endpoints'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  checkSettings: CheckSettings;
  cipher: Cipher;
  fingerprints: SecretFingerprints;
  clock: () => Date;
}

/** Result of an edit: the new row and the effects on other rows. */
export interface EditPlan {
  connection: Connection;
  effect: EditEffect;
  redirected: string[];
  changesSecret: boolean;
  /** Whether the request lacks a client secret that it must bring, because it redirects secrets or tokens. */
  lacksSecret: boolean;
}

/** Plans an edit without writing. Throws invalid_request. */
export function planEdit(deps: PlanEditDeps, current: Connection, edit: ConnectionEdit): EditPlan {
  const { checkSettings, cipher, fingerprints, clock } = deps;
  const hadSecret = current.sealedClientSecrets !== null;
  const heldOrNone = hadSecret ? 'kept' : null;
  const written = edit.clientSecret === undefined ? heldOrNone : edit.clientSecret;
  const settings = checkSettings(edit.apply(current.settings), written);

  const redirected = redirectedFields(destinationOf(deps, current.settings), destinationOf(deps, settings));
  const lacksSecret = redirected.length > 0 && hadSecret && edit.clientSecret === undefined;
  const secretOrigins = edit.clientSecret ? originsOf(settings) : current.secretOrigins;
  const secret: SecretEdit = {
    change: secretChange(deps, current, edit.clientSecret),
    isSentToNewHosts: !isSame(secretOrigins, current.secretOrigins),
    mayKeepOld: mayReceive(deps.oauth, 'revocationUrl', settings, current.secretOrigins),
  };
  const effect = effectOfEdit(current.settings, settings, redirected, secret);
  if (!effect.changesAnything) return { connection: current, effect, redirected, lacksSecret, changesSecret: false };
  const held = openClient(cipher, current).secrets;
  const secretsAfter = clientSecretsAfter(held, edit.clientSecret, effect, secret);
  const [newest] = secretsAfter;
  const keepsSecrets = secretsAfter === held;
  const sealedAt = { ...current, settings, secretOrigins };
  const revision = current.revision + 1;
  const connection: Connection = {
    ...current,
    settings,
    sealedClientSecrets: movesSecrets(current, sealedAt, keepsSecrets)
      ? sealClientSecrets(cipher, sealedAt, secretsAfter)
      : current.sealedClientSecrets,
    clientSecretFingerprint: newest === undefined ? null : fingerprints.of(newest, current),
    clientSecretRefusedAt: keepsSecrets ? current.clientSecretRefusedAt : null,
    secretOrigins,
    configVersion: current.configVersion + (effect.dropsTokens ? 1 : 0),
    revision,
    appliedRevision: edit.isApplied ? revision : current.appliedRevision,
    updatedAt: clock(),
  };
  return { connection, effect, redirected, lacksSecret, changesSecret: secret.change !== 'kept' };
}

/** Tells, without a lock, whether an edit would leave a connection as it is. Throws invalid_request. */
export type ChangesNothing = (current: Connection, edit: ConnectionEdit) => boolean;

export function createChangesNothing(deps: PlanEditDeps): ChangesNothing {
  return (current, edit) => !planEdit(deps, current, edit).effect.changesAnything;
}

/** Opens the stored secret only if its fingerprint does not match: it may be older than the keys of this process. */
function secretChange(
  { cipher, fingerprints }: PlanEditDeps,
  current: Connection,
  requested: Secret | null | undefined,
): SecretEdit['change'] {
  if (requested === undefined) return 'kept';
  const { sealedClientSecrets, clientSecretFingerprint: stored } = current;
  if (requested === null) return sealedClientSecrets === null ? 'kept' : 'removed';
  if (sealedClientSecrets === null) return 'replaced';
  if (stored !== null && fingerprints.matches(stored, requested, current)) return 'kept';
  return openClient(cipher, current).secrets[0]?.reveal() === requested.reveal() ? 'kept' : 'replaced';
}

/** Returns the client secrets after an edit, newest first; the list `held` itself if they stay. */
function clientSecretsAfter(
  held: readonly Secret[],
  requested: Secret | null | undefined,
  effect: EditEffect,
  { mayKeepOld }: SecretEdit,
): readonly Secret[] {
  if (requested === undefined) return held;
  if (requested === null) return held.length === 0 ? held : [];
  if (effect.keepsOldSecret) {
    // The last one is the one that worked: the newest ends the others as soon as the provider accepts it.
    return [requested, ...held.filter((secret) => secret.reveal() !== requested.reveal()).slice(-1)];
  }
  // A new destination never receives an older secret. Sending the stored secret again keeps the list.
  return mayKeepOld && !effect.dropsTokens ? held : [requested];
}

/** Tells whether the secrets must be sealed anew: they changed, or what they are bound to. */
function movesSecrets(current: Connection, next: Connection, keepsSecrets: boolean): boolean {
  return !keepsSecrets || clientSecretsAt(current).boundTo !== clientSecretsAt(next).boundTo;
}

function destinationOf({ oauth, catalogue }: PlanEditDeps, settings: ConnectionSettings) {
  const { provider, flow, clientId, variables } = settings;
  const tokenAuthMethod = settings.tokenAuthMethod ?? catalogue.find(provider)?.tokenAuthMethod ?? null;
  return { provider, flow, clientId, variables, tokenAuthMethod, ...oauth.endpoints(settings) };
}
