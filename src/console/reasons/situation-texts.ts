import type { Actor, Step } from './step.ts';

/** Situations that no `status_reason` names. */
export type Situation =
  | 'never_connected'
  | 'waiting_callback'
  | 'testing'
  | 'failing_and_served'
  | 'expired_and_failing'
  | 'expired_and_refreshes_off'
  | 'unhealthy'
  | 'healthy';

export interface SituationText {
  title: string;
  /** One sentence. */
  cause: string;
  /** Null: the general step of who must act. */
  step: Step | null;
  /** Present if the state of the grant names no actor. */
  actor?: Actor;
}

/** Words of each situation. */
export const situationTexts = {
  never_connected: {
    title: 'Not connected yet',
    cause: 'No token set was obtained for this connection yet.',
    step: null,
  },
  waiting_callback: {
    title: 'Waiting for the person',
    cause: 'A link is open, and the person has not come back from the provider yet.',
    step: { act: 'connect', text: 'The person opens the link and signs in. A new link takes the place of a lost one.' },
  },
  testing: {
    title: 'The new token is being tested',
    cause: 'The person has come back, and the new token is being tested or confirmed.',
    step: { act: 'wait', text: 'Wait a few seconds. A sign-in that needs a confirmation ends after ten minutes.' },
  },
  failing_and_served: {
    title: 'The last refresh failed',
    cause: 'The last refresh failed, and the stored token still lives.',
    step: { act: 'refresh', text: 'The broker tries again by itself. A refresh tries at once.' },
  },
  expired_and_failing: {
    title: 'The token expired while refreshes fail',
    cause: 'The stored token has expired, and the provider has not given a new one.',
    step: {
      act: 'refresh',
      text: 'The broker tries again by itself. Check the status of the provider, or refresh now.',
    },
  },
  expired_and_refreshes_off: {
    title: 'The token expired, and refreshes are off',
    cause: 'REFRESH_MODE is off: this installation is a copy, and calls no token endpoint.',
    step: {
      act: 'enable_refreshes',
      text: 'Leave it off on a copy. On an original, remove REFRESH_MODE and restart the processes.',
    },
  },
  unhealthy: {
    title: 'The last test failed',
    cause: 'The stored token did not work at the test URL.',
    step: { act: 'test', text: 'Test again. If the test still fails, check test_url and the scopes.' },
    actor: 'administrator',
  },
  healthy: {
    title: 'Working',
    cause: 'The token is refreshed before it expires.',
    step: { act: 'test', text: 'Nothing is to be done. A test calls the provider with the token.' },
  },
} as const satisfies Record<Situation, SituationText>;
