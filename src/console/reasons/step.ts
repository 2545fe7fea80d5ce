import type { NextAction } from '../../domain/next-action.ts';

export type Act = 'connect' | 'reconnect' | 'edit' | 'test' | 'refresh' | 'wait' | 'import' | 'enable_refreshes';

/** Words on the button of each act. `wait` has no button: its words stand alone. */
export const actLabels: Readonly<Record<Act, string>> = {
  connect: 'Connect',
  reconnect: 'Reconnect',
  edit: 'Edit the connection',
  test: 'Test',
  refresh: 'Refresh now',
  wait: 'Wait',
  import: 'Import tokens',
  enable_refreshes: 'Enable refreshes',
};

/** The one next step. `text` is an instruction of one or two sentences. */
export interface Step {
  act: Act;
  text: string;
}

/** Who must act. The last value says that no person has to. */
export type Actor = 'administrator' | 'person' | 'nobody';

export const actorOf: Readonly<Record<NextAction, Actor>> = {
  authorize: 'person',
  reconfigure: 'administrator',
  wait: 'nobody',
  none: 'nobody',
};

export const actorLabels: Readonly<Record<Actor, string>> = {
  administrator: 'An administrator must act.',
  person: 'The person who connects the account must act.',
  nobody: 'No person has to act.',
};
