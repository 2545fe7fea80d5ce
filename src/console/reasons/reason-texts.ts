import type { StatusReason } from '../../domain/grants/grant.ts';
import type { NextAction } from '../../domain/next-action.ts';
import type { Step } from './step.ts';

export interface ReasonText {
  title: string;
  /** One sentence. */
  cause: string;
  /** Steps that differ from the general one, by who must act. */
  steps: Partial<Record<NextAction, Step>>;
}

const reconnect = (text: string): Pick<ReasonText['steps'], 'authorize'> => ({ authorize: { act: 'reconnect', text } });

/** Words of each reason. docs/OPERATIONS.md tells operators the same. */
export const reasonTexts = {
  user_denied: {
    title: 'Access was refused',
    cause: 'The person refused, or a policy at the provider did not let them consent.',
    steps: {
      ...reconnect('Ask the person to connect again and to allow the access.'),
      reconfigure: {
        act: 'reconnect',
        text: 'Let an administrator at the provider allow the client. Then reconnect.',
      },
    },
  },
  exchange_failed: {
    title: 'The provider gave no token',
    cause: 'The provider did not give a token for the code, or for the client’s own credentials.',
    steps: {
      ...reconnect('Read the code of the provider below, then reconnect.'),
      reconfigure: {
        act: 'edit',
        text: 'Correct the client secret, the redirect URI or the scopes.',
      },
    },
  },
  test_failed: {
    title: 'The new token does not work',
    cause: 'The new token did not work at the test URL.',
    steps: reconnect('Check test_url and the scopes of the connection, then reconnect.'),
  },
  reauthorization_required: {
    title: 'The provider refuses the refresh token',
    cause: 'Consent was withdrawn, a password changed, or the token was unused for too long or used by a copy.',
    steps: reconnect(
      'Let the person reconnect. If many grants fail, look for a second installation with the same grants.',
    ),
  },
  client_rejected: {
    title: 'The provider refuses the client',
    cause: 'The client secret expired or is wrong, or the client was deleted at the provider.',
    steps: {
      reconfigure: {
        act: 'edit',
        text: 'Correct client_id, client_secret or token_auth_method. Grants whose refresh tokens live then work again by themselves.',
      },
    },
  },
  configuration_rejected: {
    title: 'The provider refuses the request',
    cause: 'The provider refuses the request itself, such as a scope or a grant type.',
    steps: {
      reconfigure: {
        act: 'edit',
        text: 'Correct the scopes, or the client at the provider. The broker tries once a day, and a refresh tries at once.',
      },
    },
  },
  provider_rejected: {
    title: 'The provider has failed for a long time',
    cause: 'The provider has not answered, or has given a refusal that is not understood, for a long time.',
    steps: {
      ...reconnect('The broker no longer tries. Check the status of the provider and the token URL, then reconnect.'),
      wait: {
        act: 'refresh',
        text: 'The broker tries again by itself. Check the status of the provider and the token URL, or refresh now.',
      },
    },
  },
  configuration_changed: {
    title: 'A change dropped the tokens',
    cause: 'An edit or a deletion of the connection ended the authorization or dropped the tokens.',
    steps: reconnect('Reconnect with the new settings.'),
  },
  revoked: {
    title: 'The grant was revoked',
    cause: 'A caller revoked the grant.',
    steps: reconnect('Reconnect if the access is still wanted. The audit trail names the caller.'),
  },
  account_mismatch: {
    title: 'Another account signed in',
    cause: 'The person signed in with another account than requested, or the account could not be confirmed.',
    steps: {
      ...reconnect('Sign out at the provider, then reconnect with the right account.'),
      reconfigure: {
        act: 'reconnect',
        text: 'The provider named no account. Start a link that expects none, or add the scopes that name it.',
      },
    },
  },
  authorization_expired: {
    title: 'The link ran out of time',
    cause: 'The person did not come back in time, or the sign-in was not confirmed within ten minutes.',
    steps: reconnect('Start a new authorization.'),
  },
  authorization_cancelled: {
    title: 'The authorization was cancelled',
    cause: 'A caller cancelled the authorization, or its confirmation was wrong.',
    steps: reconnect('Start a new authorization.'),
  },
  rotation_interrupted: {
    title: 'A refresh was cut off',
    cause: 'A crash or a lost connection cut off a refresh, and the provider then refused the old refresh token.',
    steps: reconnect('Reconnect. To prevent it, keep DATA_DIR and give processes time to close.'),
  },
  token_expired: {
    title: 'The access token has expired',
    cause: 'The access token expired, and there is nothing to refresh it with.',
    steps: reconnect('Reconnect. The warning no_refresh_token says how to get a refresh token.'),
  },
} as const satisfies Record<StatusReason, ReasonText>;
