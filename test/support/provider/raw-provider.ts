import { type AddressInfo, createServer, type Socket } from 'node:net';

/** One step of an answer: bytes to write, or a pause. */
export type Step = string | Buffer | { pauseMs: number };

/** Bytes of an answer, and the fate of its connection after the last one. */
export interface RawAnswer {
  steps: readonly Step[];
  /** close: orderly end. reset: RST. open: the connection stays open and silent. */
  ending: 'close' | 'reset' | 'open';
}

/** A request that arrived whole. */
export interface RawRequest {
  path: string;
  form: URLSearchParams;
}

export interface RawProvider {
  origin: string;
  /** Form of every request that arrived whole, in order. */
  received: URLSearchParams[];
  /** Answers for the next requests, one each. The last one repeats. */
  play(...answers: [RawAnswer, ...RawAnswer[]]): void;
  /** Chooses the answer of each later request. */
  answerEach(choose: (request: RawRequest) => RawAnswer): void;
  close(): Promise<void>;
}

export interface AnswerOptions {
  status?: number;
  /** Header lines, sent as they are. A name may repeat. */
  headers?: readonly (readonly [name: string, value: string])[];
  /**
   * Framing of the body. length: content-length. chunked: chunks of `chunkBytes`. close: until the connection ends.
   */
  framing?: 'length' | 'chunked' | 'close';
  chunkBytes?: number;
  /** Announced content-length, if it differs from the length of the body. */
  announcedLength?: number;
  /** Leaves out the last chunk (RFC 9112 §7.1). */
  withoutLastChunk?: boolean;
  /** Bytes of the body that are sent. The rest is cut off. */
  cutAt?: number;
  /** Pause before each write, in milliseconds. */
  pauseMs?: number;
  /** Bytes written at once. */
  writeBytes?: number;
  ending?: RawAnswer['ending'];
}

/** Starts a provider on 127.0.0.1 that plays answers byte by byte, valid HTTP or not. */
export async function startRawProvider(): Promise<RawProvider> {
  const sockets = new Set<Socket>();
  const received: URLSearchParams[] = [];
  let choose: (request: RawRequest) => RawAnswer = () => answerWith('', { status: 404 });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let buffered = '';
    socket.on('data', (chunk) => {
      buffered += chunk.toString('latin1');
      const request = wholeRequest(buffered);
      if (request === undefined) return;
      buffered = request.rest;
      const form = new URLSearchParams(request.body);
      received.push(form);
      void perform(socket, choose({ path: request.path, form }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    play(first, ...rest) {
      const answers = [first, ...rest];
      choose = () => (answers.length > 1 ? answers.shift() : answers[0]) ?? first;
    },
    answerEach(next) {
      choose = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Builds an answer with this body. The defaults are a complete HTTP/1.1 answer with status 200. */
export function answerWith(body: string | Buffer, options: AnswerOptions = {}): RawAnswer {
  const { status = 200, headers = [['content-type', 'application/json']], framing = 'length' } = options;
  const bytes = Buffer.from(body);
  const framed = {
    length: [['content-length', String(options.announcedLength ?? bytes.length)]],
    chunked: [['transfer-encoding', 'chunked']],
    close: [['connection', 'close']],
  }[framing];
  const lines = [...headers, ...framed].map(([name, value]) => `${name}: ${value}\r\n`);
  const sent = bytes.subarray(0, options.cutAt);
  const isCut = sent.length < bytes.length || options.withoutLastChunk === true;
  const payload = framing === 'chunked' ? chunked(sent, options.chunkBytes ?? sent.length, !isCut) : sent;
  const whole = Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Answer\r\n${lines.join('')}\r\n`, 'latin1'), payload]);
  return { steps: paced(whole, options), ending: options.ending ?? 'close' };
}

export function jsonAnswer(members: unknown, options: AnswerOptions = {}): RawAnswer {
  return answerWith(JSON.stringify(members), options);
}

function paced(whole: Buffer, { pauseMs, writeBytes = whole.length }: AnswerOptions): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < whole.length; at += writeBytes) {
    if (pauseMs !== undefined) steps.push({ pauseMs });
    steps.push(whole.subarray(at, at + writeBytes));
  }
  return steps;
}

function chunked(bytes: Buffer, chunkBytes: number, withLastChunk: boolean): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from(withLastChunk ? '0\r\n\r\n' : '')]);
}

async function perform(socket: Socket, { steps, ending }: RawAnswer): Promise<void> {
  socket.setNoDelay(true);
  for (const step of steps) {
    if (socket.destroyed) return;
    if (typeof step === 'string' || Buffer.isBuffer(step)) await write(socket, step);
    else await new Promise((resolve) => setTimeout(resolve, step.pauseMs));
  }
  if (ending === 'close') socket.end();
  // Lets the client read the bytes first: a reset discards those it has not read yet.
  if (ending === 'reset') setTimeout(() => socket.resetAndDestroy(), 30);
}

function write(socket: Socket, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

/** Splits the first whole request off: a head, and a body of its content-length. */
function wholeRequest(text: string): { path: string; body: string; rest: string } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? 0);
  const bodyStart = headEnd + 4;
  if (text.length < bodyStart + length) return undefined;
  const path = text.slice(0, headEnd).split(' ')[1] ?? '';
  return { path, body: text.slice(bodyStart, bodyStart + length), rest: text.slice(bodyStart + length) };
}
