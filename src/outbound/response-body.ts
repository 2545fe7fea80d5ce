import {
  type BrotliOptions,
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from 'node:zlib';
import type { OutboundResponse } from './http-types.ts';

type DecodedBody = Pick<OutboundResponse, 'body' | 'isComplete'>;

/** The answer arrived and cannot be used. It is not lost: a repetition would bring the same. */
const noBody: DecodedBody = { body: null, isComplete: true };

/** Decodes one content coding. `mayEndEarly` returns the output of a cut input instead of an error. */
type Decoder = (bytes: Buffer, maxBytes: number, mayEndEarly: boolean) => Buffer;

const decoders: ReadonlyMap<string, Decoder> = new Map([
  ['gzip', (bytes, maxBytes, mayEndEarly) => gunzipSync(bytes, zlibOptions(maxBytes, mayEndEarly))],
  ['x-gzip', (bytes, maxBytes, mayEndEarly) => gunzipSync(bytes, zlibOptions(maxBytes, mayEndEarly))],
  ['deflate', inflate],
  ['br', (bytes, maxBytes, mayEndEarly) => brotliDecompressSync(bytes, brotliOptions(maxBytes, mayEndEarly))],
]);

/** Maximum number of codings of one body. Each costs one pass; a header of many would occupy the event loop. */
const maxCodings = 2;

/** Parses Content-Encoding (RFC 9110 §8.4) in the order of application. Returns null for a coding that is not decoded. */
export function readContentCodings(header: string | string[] | undefined): string[] | null {
  const codings = [header ?? ''].flat().join(',').toLowerCase().split(',');
  const applied = codings.map((coding) => coding.trim()).filter((coding) => coding !== '' && coding !== 'identity');
  return applied.length <= maxCodings && applied.every((coding) => decoders.has(coding)) ? applied : null;
}

/** Collects a response body. `maxBytes` bounds it before and after decoding. */
export function createResponseBody(maxBytes: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    /** Returns false when the body exceeds `maxBytes`. */
    add(chunk: Buffer): boolean {
      size += chunk.length;
      if (size > maxBytes) return false;
      // The parser reuses its buffer after this function returns.
      chunks.push(Buffer.from(chunk));
      return true;
    },
    /** Returns what arrived, decoded. The body is null if it exceeds the limit once decoded. */
    read(codings: readonly string[], isComplete: boolean): DecodedBody {
      const received = Buffer.concat(chunks);
      let bytes: Buffer = received;
      let isWhole = isComplete;
      for (const coding of codings.toReversed()) {
        const decode = decoders.get(coding);
        if (decode === undefined) return noBody;
        const decoded = decodeOrCut(decode, bytes, maxBytes);
        if (decoded === 'too_large') return noBody;
        // Some gateways name a coding and send plain text. The reader of the text decides whether it is usable.
        if (decoded === 'not_encoded') return { body: received.toString('utf8'), isComplete };
        bytes = decoded.bytes;
        isWhole &&= decoded.isWhole;
      }
      return { body: bytes.toString('utf8'), isComplete: isWhole };
    },
  };
}

function decodeOrCut(
  decode: Decoder,
  bytes: Buffer,
  maxBytes: number,
): { bytes: Buffer; isWhole: boolean } | 'too_large' | 'not_encoded' {
  for (const mayEndEarly of [false, true]) {
    try {
      return { bytes: decode(bytes, maxBytes, mayEndEarly), isWhole: !mayEndEarly };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return 'too_large';
    }
  }
  return 'not_encoded';
}

/** Decodes `deflate`. Some servers leave out the zlib wrapper that RFC 9110 §8.4.1.2 requires. */
function inflate(bytes: Buffer, maxBytes: number, mayEndEarly: boolean): Buffer {
  const [first = 0, second = 0] = bytes;
  const hasWrapper = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
  return (hasWrapper ? inflateSync : inflateRawSync)(bytes, zlibOptions(maxBytes, mayEndEarly));
}

/** Bounds the output: zlib stops at the limit, so a compressed bomb never expands. */
function zlibOptions(maxOutputLength: number, mayEndEarly: boolean): ZlibOptions {
  return { maxOutputLength, ...(mayEndEarly && { finishFlush: constants.Z_SYNC_FLUSH }) };
}

function brotliOptions(maxOutputLength: number, mayEndEarly: boolean): BrotliOptions {
  return { maxOutputLength, ...(mayEndEarly && { finishFlush: constants.BROTLI_OPERATION_FLUSH }) };
}
