import { PassThrough, Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Import, ImportGrants } from '../../../broker/import/import-grants.ts';
import type { ImportLine, LineResult } from '../../../broker/import/import-line.ts';
import { BrokerError, isBrokerError } from '../../../domain/errors.ts';
import { registerStreamedBodies } from '../../body-parsing.ts';
import * as routes from '../../contract/admin/import.ts';
import { bodyTimeoutMs, requestTimeout } from '../../limits/body-time.ts';
import { limitWait } from '../../lines/limit-wait.ts';
import { parseLine } from '../../lines/parse-line.ts';
import { type Line, splitLines } from '../../lines/split-lines.ts';
import { mount } from '../../mount.ts';
import { toProblem } from '../../problem.ts';
import { ndjson } from '../../schemas/admin/audit-events.ts';
import { fromLineResult, fromSummary, importLine, toGrantToImport } from '../../schemas/admin/import.ts';

export interface ImportUseCases {
  importGrants: ImportGrants;
}

export interface ImportRouteOptions {
  clock: () => Date;
  publicPath: string;
  /** Time in which the next line of an import must arrive. Defaults to that of the body of another request. */
  lineTimeoutMs?: number | undefined;
}

/** Registers the import in a scope of its own, whose bodies are streams. */
export function importRoutes(
  app: FastifyInstance,
  { importGrants }: ImportUseCases,
  { clock, publicPath, lineTimeoutMs = bodyTimeoutMs }: ImportRouteOptions,
): void {
  registerStreamedBodies(app, routes.importGrants.lines.mediaType);
  let isClosing = false;
  const inputs = new Set<PassThrough>();
  app.addHook('preClose', (done) => {
    isClosing = true;
    // An import that waits for its client ends now, one that writes lines ends after them.
    for (const input of inputs) input.destroy(ending());
    done();
  });

  mount(app, routes.importGrants, async ({ caller, trace, query, request }, reply) => {
    const { dry_run: dryRun, replace, verify } = query;
    reply.type(ndjson);
    const output = run(request, importGrants(caller, trace, { dryRun, replace, verify }));
    // Reading the response drives the generator: a client that does not read stops the import and its own input.
    return Readable.from(output, { objectMode: false, highWaterMark: 16 * 1024 });
  });

  async function* run(request: FastifyRequest, work: Import): AsyncGenerator<string> {
    let isFinished = false;
    const input = inputOf(request);
    inputs.add(input);
    try {
      const onStall = () => input.destroy(requestTimeout());
      for await (const lines of limitWait(splitLines(input), lineTimeoutMs, onStall)) {
        for await (const results of work.next(lines.flatMap(read))) {
          logUnexpected(request, results);
          yield results.map((result) => toLine(fromLineResult(result))).join('');
          if (isClosing) throw ending();
        }
      }
      isFinished = true;
      yield toLine(fromSummary(await work.finish(true)));
    } catch (error) {
      const refusal = isBrokerError(error) ? error : BrokerError.of('internal_error', 'The import failed.', error);
      request.log.error({ request_id: request.id, err: error }, 'import ended early');
      yield toLine({ error: toProblem(refusal, request.id, publicPath) });
    } finally {
      inputs.delete(input);
      if (!isFinished) await work.finish(false).catch((err) => logUnfinished(request, err));
    }
  }

  function read(line: Line): ImportLine[] {
    const parsed = parseLine(line, importLine);
    if (parsed === undefined) return [];
    if ('refused' in parsed) return [{ line: line.line, failure: parsed.refused }];
    return [{ line: line.line, grant: toGrantToImport(parsed.value, clock()) }];
  }
}

const toLine = (value: unknown) => `${JSON.stringify(value)}\n`;

const ending = () => BrokerError.with('service_unavailable', 'The process is ending.', { retry_after: 1 });

/** Copies the body into a stream that can end without the connection, which still has to carry the last line. */
function inputOf({ body }: FastifyRequest): PassThrough {
  const input = new PassThrough();
  if (!(body instanceof Readable)) return input.end();
  body.once('error', (error) => input.destroy(error));
  body.once('close', () => {
    if (!body.readableEnded) input.destroy(new Error('The client left before the end of its lines.'));
  });
  return body.pipe(input);
}

function logUnexpected(request: FastifyRequest, results: LineResult[]): void {
  for (const { line, failure } of results) {
    if (failure?.code !== 'internal_error') continue;
    request.log.error({ request_id: request.id, line, err: failure.cause }, 'line of an import failed');
  }
}

function logUnfinished(request: FastifyRequest, err: unknown): void {
  request.log.error({ request_id: request.id, err }, 'audit event of an import not written');
}
