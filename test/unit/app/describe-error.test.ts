import { Writable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { ReplyError } from 'ioredis';
import { DatabaseError } from 'pg';
import { errors } from 'undici';
import { expect, test } from 'vitest';
import { describeError } from '../../../src/app/log/describe-error.ts';
import { createLog } from '../../../src/app/log/log.ts';
import { BrokerError } from '../../../src/domain/errors.ts';

type Line = Record<string, unknown>;

/** Logs through the real logger and returns the lines as a log collector reads them. */
function logged(write: (log: ReturnType<typeof createLog>) => void): Line[] {
  const lines: Line[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)) as Line);
      done();
    },
  });
  write(createLog('trace', destination));
  return lines;
}

function databaseError(): Error {
  const error = new DatabaseError('duplicate key value violates unique constraint "grants_slot"', 0, 'error');
  return Object.assign(error, { code: '23505', detail: 'Key (token)=(canary) already exists.' });
}

function parseFailure(): unknown {
  try {
    return JSON.parse('canary-token');
  } catch (error) {
    return error;
  }
}

function cyclic(): Error {
  const first: Error & { cause?: unknown } = new Error('first');
  const second = new Error('second', { cause: first });
  first.cause = second;
  return first;
}

function redisError(): Error {
  const error = new ReplyError("ERR unknown command 'AUTH', with args beginning with: 'canary-user' 'canary-password'");
  return Object.assign(error, { command: { name: 'auth', args: ['canary-user', 'canary-password'] } });
}

const hiddenText = 'omitted: it may quote the text that could not be parsed';

const kinds: [kind: string, thrown: unknown, described: object][] = [
  ['an Error', new Error('plain'), { name: 'Error', message: 'plain' }],
  [
    'a BrokerError with its cause',
    BrokerError.of('internal_error', 'Outer.', new Error('inner')),
    { name: 'BrokerError', code: 'internal_error', message: 'Outer.', cause: { name: 'Error', message: 'inner' } },
  ],
  [
    'a DatabaseError of pg',
    databaseError(),
    { name: 'error', code: '23505', message: expect.stringContaining('grants_slot') },
  ],
  [
    'a DatabaseError of pg that quotes a value',
    Object.assign(new DatabaseError('invalid input syntax for type uuid: "canary"', 0, 'error'), { code: '22P02' }),
    { name: 'error', code: '22P02', message: 'invalid input syntax for type uuid: [value]' },
  ],
  [
    'an error of undici as a cause',
    new TypeError('fetch failed', { cause: new errors.SocketError('other side closed') }),
    {
      name: 'TypeError',
      message: 'fetch failed',
      cause: { name: 'SocketError', code: 'UND_ERR_SOCKET', message: 'other side closed' },
    },
  ],
  [
    'an AggregateError',
    Object.assign(new AggregateError([Object.assign(new Error('one'), { code: 'ECONNREFUSED' }), 'two'], 'both'), {
      code: 'ECONNREFUSED',
    }),
    {
      name: 'AggregateError',
      code: 'ECONNREFUSED',
      message: 'both',
      errors: [
        { name: 'Error', code: 'ECONNREFUSED', message: 'one' },
        { name: 'NonError', message: 'two' },
      ],
    },
  ],
  ['a SyntaxError that quotes a secret', parseFailure(), { name: 'SyntaxError', message: hiddenText }],
  [
    'an error reply of Redis that repeats the command',
    redisError(),
    { name: 'ReplyError', message: "ERR unknown command 'AUTH', with args beginning with: [secret]" },
  ],
  ['an error of another realm', runInNewContext('new RangeError("far")'), { name: 'RangeError', message: 'far' }],
  ['a thrown string', 'odd text', { name: 'NonError', message: 'odd text' }],
  [
    'a thrown object with a code and a message',
    { code: 'E_ODD', message: 'odd', body: 'canary' },
    { name: 'NonError', code: 'E_ODD', message: 'odd' },
  ],
  ['a thrown object without a message', { body: 'canary' }, { name: 'NonError', message: 'an object was thrown' }],
  ['a thrown undefined', undefined, { name: 'NonError', message: 'no value was thrown' }],
  ['an error that is a cause of its own cause', cyclic(), { message: 'first', cause: { message: 'second' } }],
];

test.each(kinds)('%s is logged once, with its code and message', (_kind, thrown, described) => {
  const lines = logged((log) => log.error({ err: thrown }, 'it failed'));
  expect(lines).toMatchObject([{ level: 'error', msg: 'it failed', err: described }]);
  const text = JSON.stringify(lines);
  expect(text).not.toContain('canary');
  expect(text).not.toContain('"name":"object"');
});

test('an error that a child logger has logged before is described in full by each later logger', () => {
  const error = BrokerError.of('internal_error', 'Outer.', redisError());
  const lines = logged((log) => {
    log.child({ request_id: 'r1' }).error({ err: error }, 'request failed');
    log.child({ err: error }).warn('again');
    log.error({ err: error }, 'closing failed');
  });
  expect(lines.map(({ err }) => err)).toEqual(Array(3).fill(describeError(error)));
});

test('an error logged without a message does not lend its text to the line', () => {
  const error = Object.assign(new Error('postgres://user:canary@db/x'), { body: 'canary' });
  const lines = logged((log) => {
    log.error(error);
    log.error({ err: error });
  });
  expect(lines).toMatchObject([{ msg: 'error' }, { msg: 'error' }]);
  expect(lines[0]?.err).toEqual(lines[1]?.err);
  expect(JSON.stringify(lines)).not.toContain('canary');
});

test('an error holds its place in the source, without lines of its message', () => {
  const error = new Error('first line\n    at canary (file.ts:1:1)');
  const { at = [] } = describeError(error);
  expect(at[0]).toContain('describe-error.test.ts');
  expect(at.join()).not.toContain('canary');
});

test.each([
  ['connect postgres://user:canary@db:5432/x?sslmode=require failed'],
  ['redis://:canary@cache:6379/0 is away'],
  ['amqp://a:canary@queue is away'],
  ['sent Authorization: Bearer canary-token.abc_123~+/=='],
  ['sent basic Y2FuYXJ5OmNhbmFyeQcanary'],
  ['DPoP canary.canary.canary'],
  ['eyJhbGciOiJub25lIn0.canary.canary is expired'],
  ['POST /token grant_type=refresh_token&refresh_token=canary&client_secret=canary'],
  ['{"access_token":"canary","token_type":"x"}'],
  ['{"client_secret": "canary"}'],
  ["host=db user=x password=canary dbname='x'"],
  ['GET /callback?state=canary&code=canary failed'],
])('no secret of the message "%s" is logged', (message) => {
  const error = new Error(message, { cause: new Error(message) });
  const lines = logged((log) => {
    log.error({ err: error }, message);
    log.warn(message);
    log.error({ err: Object.assign(new AggregateError([error, message], message), { code: message }) }, 'failed');
  });
  expect(lines).toHaveLength(3);
  expect(JSON.stringify(lines)).not.toContain('canary');
});

test('members that libraries attach to their errors are not logged, at any depth', () => {
  const inner = Object.assign(new Error('socket closed'), { body: 'canary', options: { headers: 'canary' } });
  const outer = Object.assign(new Error('failed', { cause: inner }), { request: 'canary', detail: 'canary' });
  const lines = logged((log) => log.error({ err: BrokerError.of('internal_error', 'No.', outer) }, 'failed'));
  expect(lines).toMatchObject([{ err: { cause: { message: 'failed', cause: { message: 'socket closed' } } } }]);
  expect(JSON.stringify(lines)).not.toContain('canary');
});

test('long messages, long chains of causes and wide aggregates are cut', () => {
  let chain: unknown = 'end';
  for (let depth = 0; depth < 50; depth++) chain = new Error('x'.repeat(10_000), { cause: chain });
  const wide = new AggregateError(Array(50).fill(chain), 'wide');
  expect(JSON.stringify(describeError(chain)).length).toBeLessThan(20_000);
  expect(describeError(wide).errors?.length).toBeLessThan(10);
});
