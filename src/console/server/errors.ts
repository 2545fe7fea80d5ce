import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BrokerError } from '../../domain/errors.ts';
import { html, type Markup } from '../../markup/html.ts';
import type { ConsoleHost } from './host.ts';

/** Shows an error as a page. Called for a request with or without a session. */
export type SendProblem = (
  request: FastifyRequest,
  reply: FastifyReply,
  problem: { title: string; status: number; body: Markup },
) => FastifyReply;

/** Answers every error and every unknown address below /console with a page. */
export function registerErrors(app: FastifyInstance, host: ConsoleHost, send: SendProblem): void {
  const sendRefusal = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const refusal = host.refusalOf(asRefusal(error), request);
    const { status, title } = host.problemOf(refusal.code);
    host.setProblemHeaders(refusal, reply);
    return send(request, reply, { title, status, body: problemBody(title, refusal, request.id) });
  };
  app.setErrorHandler((error, request, reply) => sendRefusal(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendRefusal(BrokerError.of('not_found', 'There is no such page in the console.'), request, reply),
  );
}

/** The plugin that verifies forms throws errors of its own. */
function asRefusal(error: unknown): unknown {
  const code = error instanceof Error ? (error as FastifyError).code : undefined;
  if (code !== 'FST_CSRF_INVALID_TOKEN' && code !== 'FST_CSRF_MISSING_SECRET') return error;
  return BrokerError.with(
    'forbidden',
    'The form belongs to a session that has ended. Go back, reload the page and send the form again. Nothing was changed.',
    { required_permission: '' },
  );
}

function problemBody(title: string, { message, details, code }: BrokerError, requestId: string): Markup {
  const faults = 'errors' in details ? details.errors : [];
  return html`<section class="problem">
<h1>${title}</h1>
${
  faults.length === 0
    ? html`<p role="alert">${message}</p>`
    : html`<ul role="alert">${faults.map(({ path, message }) => html`<li><strong>${path}</strong> ${message}</li>`)}</ul>`
}
<p class="soft">Code <code>${code}</code>, request <code>${requestId}</code>. The log of the service has the same request id.</p>
</section>`;
}
