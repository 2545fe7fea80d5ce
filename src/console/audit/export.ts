import { Readable } from 'node:stream';
import { auditRecord, type StoredAuditEvent } from '../../domain/audit.ts';
import { BrokerError, isBrokerError } from '../../domain/errors.ts';

/** Media type of an export. Its registration is not finished; this is the name in use. */
export const ndjson = 'application/x-ndjson';

/**
 * Writes the pieces of an export, one event a line, as the API does. Reads the first piece before it resolves, so that a
 * refusal still becomes a page. A later failure becomes the last line, and ends the stream early.
 */
export async function exportLines(
  events: AsyncIterable<StoredAuditEvent[]>,
  { requestId, isClosing }: { requestId: string | null; isClosing: () => boolean },
): Promise<Readable> {
  const pieces = events[Symbol.asyncIterator]();
  const first = await pieces.next();
  async function* lines(): AsyncGenerator<string> {
    try {
      for (let piece = first; piece.done !== true; piece = await pieces.next()) {
        yield piece.value.map((event) => `${JSON.stringify(auditRecord(event))}\n`).join('');
        if (isClosing()) throw BrokerError.with('service_unavailable', 'The process is ending.', { retry_after: 1 });
      }
    } catch (error) {
      const { code, message } = isBrokerError(error)
        ? error
        : BrokerError.of('internal_error', 'The export failed.', error);
      yield `${JSON.stringify({ error: { code, detail: message, request_id: requestId } })}\n`;
      // Closes the connection: the browser then reports that the file is not complete.
      throw error;
    } finally {
      await pieces.return?.();
    }
  }
  return Readable.from(lines(), { objectMode: false, highWaterMark: 64 * 1024 });
}
