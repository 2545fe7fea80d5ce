import { describe, expect, test } from 'vitest';
import { CommandFailure, exitCodeOf, exitCodes, explainError } from '../../../src/cli/exit-codes.ts';
import { plainStyle } from '../../../src/cli/output/style.ts';
import { toError, withoutResponse } from '../../../src/client/errors.ts';
import type { NextAction } from '../../../src/client/types/vocabulary.ts';

function problem(code: string, status: number, nextAction?: NextAction, members: Record<string, unknown> = {}) {
  return toError('It failed.', { code, status, nextAction, members, requestId: 'r-1', retryAfter: undefined });
}

describe('the exit code tells a script what to do', () => {
  test.each([
    ['wrong arguments', problem('invalid_request', 400), exitCodes.usage],
    ['several accounts and none named', problem('account_ambiguous', 409), exitCodes.usage],
    ['an absent connection', problem('connection_not_found', 404, 'reconfigure'), exitCodes.notFound],
    [
      'an absent grant, though a person could connect it',
      problem('grant_not_found', 404, 'authorize'),
      exitCodes.notFound,
    ],
    ['a wrong key', problem('unauthorized', 401), exitCodes.permission],
    ['a missing permission', problem('forbidden', 403), exitCodes.permission],
    ['a grant that a person must renew', problem('connection_not_ready', 503, 'authorize'), exitCodes.personMustAct],
    [
      'a client that an administrator must repair',
      problem('connection_not_ready', 503, 'reconfigure'),
      exitCodes.personMustAct,
    ],
    ['missing scopes', problem('insufficient_scope', 403, 'authorize'), exitCodes.personMustAct],
    ['a disabled workflow', problem('workflow_disabled', 403, 'none'), exitCodes.personMustAct],
    ['a grant that is being made', problem('connection_not_ready', 503, 'wait'), exitCodes.tryLater],
    ['a provider that is down', problem('provider_unavailable', 503, 'wait'), exitCodes.tryLater],
    ['too many requests', problem('rate_limited', 429), exitCodes.tryLater],
    ['a broker that is out of reach', withoutResponse('network_error', 'm'), exitCodes.tryLater],
    ['an error page of a gateway', problem('unexpected_response', 502), exitCodes.tryLater],
    ['an address that is no broker', problem('unexpected_response', 404), exitCodes.failure],
    ['a conflict', problem('connection_exists', 409), exitCodes.failure],
    ['a fault of the broker', problem('internal_error', 500), exitCodes.failure],
    ['an option that the client refuses', new TypeError('url must be …'), exitCodes.usage],
    ['a failure of its own', new CommandFailure('m', exitCodes.notFound), exitCodes.notFound],
    ['anything else', new Error('m'), exitCodes.failure],
  ])('%s', (_name, error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe('an error is explained', () => {
  const explain = (error: unknown) => explainError(error, plainStyle);

  test('with what, why, what next and the request', () => {
    const reason = { status_reason: 'reauthorization_required', status_message: 'The provider refused.' };
    const text = explain(problem('connection_not_ready', 503, 'authorize', reason));
    expect(text.split('\n')).toEqual([
      'error: It failed.',
      '  why     connection_not_ready, reauthorization_required (503)',
      '  why     The provider refused.',
      '  next    A person must connect the account: token-broker authorize NAME',
      '  request r-1',
      '',
    ]);
  });

  test('with the faults of the fields and the accounts to choose from', () => {
    const errors = [{ path: 'scopes', message: 'must be a list' }];
    expect(explain(problem('invalid_request', 400, undefined, { errors }))).toContain('scopes: must be a list');
    const accounts = [{ account_id: 'a1', account_name: 'Ada' }];
    expect(explain(problem('account_ambiguous', 409, undefined, { accounts }))).toContain('account a1 (Ada)');
  });

  test('without a reason that its message holds already', () => {
    const errors = [{ path: 'scopes', message: 'must be a list' }];
    const repeated = toError('scopes: must be a list', { ...problem('invalid_request', 400), members: { errors } });
    expect(explain(repeated).match(/must be a list/g)).toHaveLength(1);
  });

  test('without control sequences that a provider could send', () => {
    const text = explain(problem('connection_not_ready', 503, 'wait', { status_message: '\u001b[2Jgone\u202e' }));
    for (const sequence of ['\u001b', '\u202e']) expect(text).not.toContain(sequence);
    expect(text).toContain('[2Jgone');
  });

  test('of an unknown kind by its message alone', () => {
    expect(explain(Object.assign(new Error('m'), { secret: 's' }))).toBe('error: m\n');
    expect(explain('text')).toBe('error: unknown error\n');
  });
});
