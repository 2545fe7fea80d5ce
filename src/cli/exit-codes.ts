import type { TokenBrokerError } from '../client/errors.ts';
import { cleanText } from './output/clean-text.ts';
import type { Style } from './output/style.ts';

export const exitCodes = {
  ok: 0,
  failure: 1,
  /** Wrong use. `plan --exit-code` also says with it that there are changes. */
  usage: 2,
  notFound: 3,
  /** No key, a wrong key, or a key without the permission. */
  permission: 4,
  /** A person must authorize, or an administrator must change something. */
  personMustAct: 5,
  /** EX_TEMPFAIL of sysexits.h: the same command may work later. */
  tryLater: 75,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Failure that the command line finds itself. The message holds no secret. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;
  /** Instruction for the person; undefined if the message says it all. */
  readonly next: string | undefined;

  constructor(message: string, exitCode: ExitCode = exitCodes.failure, next?: string) {
    super(message);
    this.exitCode = exitCode;
    this.next = next;
  }
}

const permissionCodes = ['unauthorized', 'forbidden', 'import_not_allowed'];
/** Refusals of what was typed. */
const usageCodes = ['invalid_request', 'account_ambiguous', 'min_ttl_unsatisfiable', 'flow_not_interactive'];
const laterCodes = ['network_error', 'timeout', 'rate_limited', 'service_unavailable', 'provider_unavailable'];
const gatewayStatuses = [429, 502, 503, 504];

/** Recognizes the client's error by its name: an import of the class would load the client for every command. */
function isBrokerError(error: unknown): error is TokenBrokerError {
  return error instanceof Error && ['TokenBrokerError', 'NotReady', 'Unavailable', 'NotFound'].includes(error.name);
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandFailure) return error.exitCode;
  if (!isBrokerError(error)) return error instanceof TypeError ? exitCodes.usage : exitCodes.failure;
  const { code, status, nextAction } = error;
  if (permissionCodes.includes(code)) return exitCodes.permission;
  if (status === 404 && code !== 'unexpected_response') return exitCodes.notFound;
  if (usageCodes.includes(code)) return exitCodes.usage;
  if (laterCodes.includes(code)) return exitCodes.tryLater;
  if (nextAction === 'wait') return exitCodes.tryLater;
  if (nextAction === 'authorize' || nextAction === 'reconfigure') return exitCodes.personMustAct;
  if (code === 'connection_not_ready' || code === 'workflow_disabled') return exitCodes.personMustAct;
  return gatewayStatuses.includes(status) ? exitCodes.tryLater : exitCodes.failure;
}

/** Lines for a person: what failed, why, what to do next, and the request's id in the broker's log. */
export function explainError(error: unknown, style: Style): string {
  const message = error instanceof Error ? error.message : 'unknown error';
  const facts = [
    ...(isBrokerError(error) ? reasonsOf(error) : []).flatMap((reason) =>
      message.includes(reason) ? [] : [['why', reason]],
    ),
    ...nextOf(error).map((next) => ['next', next]),
    ...(isBrokerError(error) && error.requestId !== undefined ? [['request', error.requestId]] : []),
  ];
  const lines = facts.map(([name = '', text = '']) => `  ${style('dim', name.padEnd(8))}${cleanText(text)}`);
  return `${[`${style('red', 'error:')} ${cleanText(message)}`, ...lines].join('\n')}\n`;
}

function reasonsOf({ code, status, members }: TokenBrokerError): string[] {
  const { status_reason: reason, status_message: message, errors, accounts, dependent_workflows: workflows } = members;
  return [
    [code, ...(typeof reason === 'string' ? [reason] : [])].join(', ') + (status === 0 ? '' : ` (${status})`),
    ...(typeof message === 'string' ? [message] : []),
    ...listOf(errors).map(({ path, message: text }) => `${path}: ${text}`),
    ...listOf(accounts).map(({ account_id: id, account_name: name }) => `account ${id}${name ? ` (${name})` : ''}`),
    ...listOf(workflows).map(({ workflow_id: id }) => `workflow ${id}`),
  ];
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

const nextByCode: Readonly<Record<string, string>> = {
  unauthorized: 'Log in with another key: token-broker login',
  forbidden: 'Use a key with this permission and organisation.',
  account_ambiguous: 'Name one account with --account.',
  network_error: 'Check --url, and that the broker runs.',
  connection_not_found: 'List the names: token-broker connections list',
  grant_not_found: 'List the grants: token-broker grants list NAME, or connect one: token-broker authorize NAME',
  connection_exists: 'Change it: token-broker connections edit NAME',
  dependent_workflows: 'Add --disable-workflows to disable them.',
};
const nextByAction: Readonly<Record<string, string>> = {
  authorize: 'A person must connect the account: token-broker authorize NAME',
  reconfigure: 'An administrator must change the connection: token-broker connections edit NAME',
  wait: 'Try again later.',
};

function nextOf(error: unknown): string[] {
  if (error instanceof CommandFailure) return error.next === undefined ? [] : [error.next];
  if (!isBrokerError(error)) return [];
  const { code, retryAfter, nextAction = '' } = error;
  if (retryAfter !== undefined) return [`Try again in ${retryAfter} s.`];
  const next = nextByCode[code] ?? nextByAction[nextAction];
  return next === undefined ? [] : [next];
}
