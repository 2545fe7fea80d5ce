import { causeOfError, type FailureCause } from '../../domain/authorization-outcome.ts';
import type { ProviderFailure } from '../../domain/provider-failure.ts';
import { errorOfProvider } from './error-of-provider.ts';
import { type AuthorizationFailure, adminConsentMessage, beforeExchange } from './obtain-authorized-tokens.ts';

/** Names both issuers to administrators. The page for the person does not show the message. */
export function rejectedResponse({ message, facts: { issuers } }: ProviderFailure): AuthorizationFailure {
  const named = issuers && ` Expected: ${issuers.expected}. Received: ${issuers.received ?? 'none'}.`;
  return { ...beforeExchange('response_rejected', `${message}${named ?? ''}`), issuers };
}

/** Builds the failure of an authorization that the provider ended with an error. */
export function refusalByProvider(error: string, parameters: URLSearchParams): AuthorizationFailure {
  const { code, description } = errorOfProvider(parameters, error);
  const cause = causeOfError(error, description);
  return { ...beforeExchange(cause, refusalMessage(cause, code)), error: code, errorDescription: description };
}

function refusalMessage(cause: FailureCause, code: string | null): string {
  if (cause === 'denied') return 'The access was not granted at the provider.';
  if (cause === 'admin_consent_required') return adminConsentMessage;
  return `The provider ended the authorization with ${code ?? 'an unknown error'}.`;
}
