import type { AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { ProviderNameOf } from '../provider-name.ts';
import { openWaitingSecrets } from '../waiting-tokens.ts';
import type { AwaitingConfirmation, SettledOutcome } from './callback-outcome.ts';

/**
 * Shows the outcome that an authorization's row records; undefined if no callback reached one. The caller has checked that
 * the browser is the one that opened the link.
 */
export type ViewOutcome = (found: AuthorizationWithConnection) => SettledOutcome | AwaitingConfirmation | undefined;

export interface ViewOutcomeDeps {
  providerNameOf: ProviderNameOf;
  cipher: Cipher;
}

export function createViewOutcome({ providerNameOf, cipher }: ViewOutcomeDeps): ViewOutcome {
  return (found) => {
    const { authorization, connection } = found;
    if (authorization.status === 'awaiting_confirmation') return awaiting(cipher, found);
    const { status, details, connectedAccountId: id, connectedAccountName: name } = authorization;
    if ((status !== 'completed' && status !== 'failed') || details === null) return undefined;
    return {
      kind: 'settled',
      status,
      statusReason: authorization.statusReason,
      details,
      connectionName: connection.name,
      organizationId: authorization.organizationId,
      provider: providerNameOf(connection.settings),
      subject: authorization.subject,
      account: status === 'completed' && id !== null ? { id, name } : null,
      error: authorization.error,
      errorDescription: authorization.errorDescription,
      returnUrl: authorization.returnUrl,
      clientState: authorization.clientState,
      isLaterCallback: false,
    };
  };
}

function awaiting(
  cipher: Cipher,
  { authorization, connection }: AuthorizationWithConnection,
): AwaitingConfirmation | undefined {
  const { binding, waiting, returnUrl, clientState } = authorization;
  if (!waiting?.sealed || binding === null || returnUrl === null) return undefined;
  const { code: confirmationCode } = openWaitingSecrets(cipher, authorization, waiting.sealed);
  const { authorizationId } = binding;
  const connectionName = connection.name;
  return { kind: 'awaiting_confirmation', connectionName, authorizationId, confirmationCode, returnUrl, clientState };
}
