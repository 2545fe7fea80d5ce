import type { ConnectionListUseCases } from './connections/connections-pages.ts';
import type { SessionListUseCases } from './sessions/sessions-pages.ts';
import type { SessionUseCases } from './sign-in/entrance.ts';

/** Everything that the pages call: the use cases of the API. The broker has them all. */
export type ConsoleUseCases = SessionUseCases & SessionListUseCases & ConnectionListUseCases;
