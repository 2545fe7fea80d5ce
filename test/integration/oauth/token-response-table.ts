import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { type AnswerOptions, answerWith, jsonAnswer, type RawAnswer } from '../../support/provider/raw-provider.ts';

/** Tokens that a refresh must keep, or the failure it must end in. */
export type Outcome =
  | { access: string | null; refresh: string | null }
  | { class: string; answered: boolean; oauthError?: string };

export type Row = [name: string, answer: RawAnswer, outcome: Outcome];

export const both: Outcome = { access: 'new', refresh: 'rotated' };
const accessOnly: Outcome = { access: 'new', refresh: null };
const refreshOnly: Outcome = { access: null, refresh: 'rotated' };
const unreadable: Outcome = { class: 'transient', answered: false };
const tokens = { refresh_token: 'rotated', access_token: 'new', token_type: 'Bearer', expires_in: 60 };
const text = JSON.stringify(tokens);
const long = 'x'.repeat(64 * 1024);

/** Bodies by shape, and what a transfer that loses nothing must keep. */
const bodies: [name: string, body: string, outcome: Outcome][] = [
  ['JSON', text, both],
  ['indented JSON with a byte order mark', `\uFEFF${JSON.stringify(tokens, null, 2)}\r\n`, both],
  ['a form', 'refresh_token=rotated&access_token=new&expires_in=60', both],
  ['JSON without an access token', '{"refresh_token":"rotated","token_type":"Bearer"}', refreshOnly],
  ['JSON without a refresh token', '{"access_token":"new","expires_in":60}', accessOnly],
  ['JSON with white space around tokens', JSON.stringify({ ...tokens, refresh_token: ' rotated\r\n' }), both],
  ['JSON with an error beside the tokens', JSON.stringify({ error: 'server_error', ...tokens }), both],
  ['JSON with a trailing comma', text.replace('}', ',}'), both],
  ['JSON followed by a page', `${text}\n<!-- proxy -->`, both],
  [
    'JSON with tokens of 64 KB',
    JSON.stringify({ ...tokens, access_token: long }),
    { access: long, refresh: 'rotated' },
  ],
];

type Transfer = [name: string, options: AnswerOptions, encode?: (body: string) => Buffer];
const header = (name: string, value: string): AnswerOptions => ({ headers: [[name, value]] });

/** Places of the tokens in a response of a provider without a template. */
const places: Row[] = [
  ['tokens in camel case', jsonAnswer({ accessToken: 'new', refreshToken: 'rotated' }), both],
  ['tokens inside data', jsonAnswer({ status: 'ok', data: tokens }), both],
  ['tokens in camel case inside a wrapper', jsonAnswer({ result: { refreshToken: 'rotated' }, code: 0 }), refreshOnly],
  ['other tokens inside a wrapper', jsonAnswer({ ...tokens, user: { access_token: 'x', refresh_token: 'y' } }), both],
  ['both spellings', jsonAnswer({ ...tokens, accessToken: 'x', refreshToken: 'y' }), both],
];

/** Ways of sending a body from which all of it can be read. */
const transfers: Transfer[] = [
  ['with its length', {}],
  ['in chunks of 4 KB', { framing: 'chunked', chunkBytes: 4096 }],
  ['in many writes', { writeBytes: 8192, pauseMs: 1 }],
  ['until the connection ends', { framing: 'close' }],
  ['without the last chunk', { framing: 'chunked', withoutLastChunk: true }],
  ['without the last chunk, then a reset', { framing: 'chunked', withoutLastChunk: true, ending: 'reset' }],
  ['shorter than announced', { announcedLength: 200_000 }],
  ['shorter than announced, then a reset', { announcedLength: 200_000, ending: 'reset' }],
  ['in gzip', header('content-encoding', 'gzip'), (body) => gzipSync(body)],
  ['in deflate', header('content-encoding', 'deflate'), (body) => deflateSync(body)],
  ['in deflate without the wrapper', header('content-encoding', 'deflate'), (body) => deflateRawSync(body)],
  ['in br', header('Content-Encoding', 'BR'), (body) => brotliCompressSync(body)],
  ['in plain text called gzip', header('content-encoding', 'gzip')],
  ['after 60 KB of headers', { headers: Array.from({ length: 60 }, (_, at) => [`x-trace-${at}`, 'x'.repeat(1000)]) }],
];

const products: Row[] = bodies.flatMap(([shape, body, outcome]) =>
  transfers.map(([way, options, encode]): Row => {
    const answer = answerWith(encode?.(body) ?? body, options);
    return [`${shape}, ${way}`, answer, outcome];
  }),
);

const byStatus: Row[] = [
  ...[200, 201, 202, 203, 206, 299].map((status): Row => [`status ${status}`, jsonAnswer(tokens, { status }), both]),
  ...[301, 302, 307, 408, 500, 503].map(
    (status): Row => [
      `status ${status} with tokens`,
      jsonAnswer(tokens, { status }),
      { class: 'transient', answered: true },
    ],
  ),
  ['status 404 with tokens', jsonAnswer(tokens, { status: 404 }), { class: 'unknown', answered: true }],
  // A gateway speaks for a provider whose answer is lost: the refresh token may be spent.
  ...[502, 504].map((status): Row => [`status ${status} with tokens`, jsonAnswer(tokens, { status }), unreadable]),
  ['status 429 with tokens', jsonAnswer(tokens, { status: 429 }), { class: 'throttled', answered: true }],
  ['status 204', answerWith('', { status: 204 }), unreadable],
];

const invalidGrant: Outcome = { class: 'reauthorization', answered: true, oauthError: 'invalid_grant' };
const refusals: Row[] = [
  ...[400, 401, 403, 200].map(
    (status): Row => [
      `invalid_grant with status ${status}`,
      jsonAnswer({ error: 'invalid_grant' }, { status }),
      invalidGrant,
    ],
  ),
  ...transfers.map(([way, options, encode]): Row => {
    const body = '{"error":"invalid_grant","error_description":"It was revoked."}';
    return [`invalid_grant, ${way}`, answerWith(encode?.(body) ?? body, { ...options, status: 400 }), invalidGrant];
  }),
  ['an echo of the request', jsonAnswer({ error: 'invalid_grant', refresh_token: 'old-refresh' }), invalidGrant],
  ['an echo without an error', jsonAnswer({ refresh_token: 'old-refresh' }), unreadable],
  [
    'ok: false beside an access token',
    jsonAnswer({ ok: false, error: 'invalid_grant', access_token: 'a' }),
    invalidGrant,
  ],
];

/** Members beside `refresh_token: rotated`, and the access token that must be kept. */
const oddities: [name: string, members: object, access: string | null][] = [
  ['an unknown token type', { access_token: 'new', token_type: 'bot' }, 'new'],
  ['a token type that is no text', { access_token: 'new', token_type: { a: 1 } }, 'new'],
  ['an id_token that is no JWT', { access_token: 'new', id_token: 'garbage' }, 'new'],
  ['an id_token with the algorithm none', { access_token: 'new', id_token: 'eyJhbGciOiJub25lIn0.e30.' }, 'new'],
  ['an id_token that is an object', { access_token: 'new', id_token: {} }, 'new'],
  ['a scope that is an object', { access_token: 'new', scope: { a: 1 } }, 'new'],
  ['a scope of 100 KB', { access_token: 'new', scope: 'a '.repeat(50_000) }, 'new'],
  ['a lifetime without end', { access_token: 'new', expires_in: 1e308 }, 'new'],
  ['a negative lifetime', { access_token: 'new', expires_in: -1 }, 'new'],
  ['a lifetime that is a list', { access_token: 'new', expires_in: [60] }, 'new'],
  ['ok: false', { ok: false, access_token: 'new' }, 'new'],
  ['a header in the access token', { access_token: 'a\r\nx-evil: 1' }, null],
  ['a NUL in the access token', { access_token: 'a\0b' }, null],
  ['an access token beyond 64 KB', { access_token: `${long}x` }, null],
  ['a list as access token', { access_token: ['new'] }, null],
  ['a number as access token', { access_token: 5 }, null],
  ...[false, 0, '', [], {}, 'null', 'undefined', null].map((value): [string, object, null] => [
    `access_token ${JSON.stringify(value)}`,
    { access_token: value },
    null,
  ]),
];

const withoutRefreshToken: Row[] = [false, 0, '', [], {}, 'null', 'undefined', null, 'r\nx', 'tökén', `${long}x`].map(
  (refresh_token) => [
    `refresh_token ${JSON.stringify(refresh_token).slice(0, 20)}`,
    jsonAnswer({ access_token: 'new', refresh_token }),
    accessOnly,
  ],
);

const cut: Row[] = [
  ['JSON cut after the refresh token', answerWith(text, { cutAt: 26, ending: 'reset' }), refreshOnly],
  ['JSON cut before the end of the refresh token', answerWith(text, { cutAt: 25, ending: 'reset' }), unreadable],
  ['JSON cut inside the refresh token', answerWith(text, { cutAt: 20, ending: 'reset' }), unreadable],
  ['JSON cut inside the access token', answerWith(text, { cutAt: 42, ending: 'reset' }), refreshOnly],
  ['JSON cut inside the lifetime', answerWith(text, { cutAt: text.length - 2 }), both],
  ['a form cut inside the refresh token', answerWith('access_token=new&refresh_token=rot', { cutAt: 33 }), unreadable],
  [
    'JSON cut before its refresh token',
    answerWith('{"access_token":"new","refresh_token":"r"}', { cutAt: 30 }),
    unreadable,
  ],
  ['a form cut at its only token', answerWith('refresh_token=rotated', { cutAt: 18 }), unreadable],
  ['gzip cut in its trailer', gzipCut(gzipSync(text).length - 6), both],
  ['gzip cut in its header', gzipCut(8), unreadable],
];

function gzipCut(cutAt: number): RawAnswer {
  return answerWith(gzipSync(text), { headers: [['content-encoding', 'gzip']], cutAt, ending: 'reset' });
}

const hostile: Row[] = [
  ['a gzip bomb', codedAnswer('gzip', gzipSync(Buffer.alloc(16 * 1024 * 1024, 0x20))), unreadable],
  ['an unknown coding', codedAnswer('zstd', Buffer.from(text)), unreadable],
  ['seven codings', codedAnswer('gzip, gzip, gzip, gzip, gzip, gzip, gzip', gzipSync(text)), unreadable],
  ['256 KB and one byte', answerWith(text.padEnd(256 * 1024 + 1)), unreadable],
  ['256 KB', answerWith(text.padEnd(256 * 1024)), both],
  ['an HTML page', answerWith('<html>error=invalid_grant</html>'), unreadable],
  ['no body', answerWith(''), unreadable],
  ['a list', answerWith('[]'), unreadable],
  ['no bytes at all', { steps: [], ending: 'close' }, unreadable],
  ['a reset before the status', { steps: ['HTTP/1.1 2'], ending: 'reset' }, unreadable],
];

function codedAnswer(coding: string, bytes: Buffer): RawAnswer {
  return answerWith(bytes, { headers: [['content-encoding', coding]] });
}

export const rows: Row[] = [
  ...products,
  ...byStatus,
  ...refusals,
  ...oddities.map(([name, members, access]): Row => {
    const answer = jsonAnswer({ ...members, refresh_token: 'rotated' });
    return [`${name} beside a new refresh token`, answer, { access, refresh: 'rotated' }];
  }),
  ...places,
  ...withoutRefreshToken,
  ...cut,
  ...hostile,
];
