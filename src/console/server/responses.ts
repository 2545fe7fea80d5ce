import type { FastifyReply, FastifyRequest } from 'fastify';
import { html, type Markup } from '../../markup/html.ts';
import { type Assets, documentOf, framedDocument } from '../layout/frame.ts';
import type { Section } from '../layout/navigation.ts';
import type { Answer, Download } from './page-route.ts';
import { newNonce, setSecurityHeaders } from './security-headers.ts';
import type { SessionCookie } from './session-cookie.ts';
import { actorOf, mayRun, type OrganizationVisit, type Visit } from './visit.ts';
import { secondLoad } from './visitor.ts';

export interface ResponsesDeps {
  assets: Assets;
  version: string;
  /** Path that the routes of this process begin with. */
  basePath: string;
  /** Path of the base of every link, as a browser sees it. */
  publicPath: string;
  baseUrl: () => string;
  clock: () => Date;
  traceOf: (request: FastifyRequest) => Visit['trace'];
  sessionCookie: SessionCookie;
}

/** Writes documents with the headers of the console. One response has one nonce. */
export function createResponses(deps: ResponsesDeps) {
  const { assets, version, basePath, publicPath, baseUrl, clock, traceOf, sessionCookie } = deps;
  const href = (path: string) => `${publicPath}${path}`;
  const nonces = new WeakMap<FastifyReply, string>();
  const nonceOf = (reply: FastifyReply) => {
    const nonce = nonces.get(reply) ?? newNonce();
    nonces.set(reply, nonce);
    return nonce;
  };
  const hereOf = ({ url }: FastifyRequest) => withoutSecondLoad(url.slice(basePath.length));
  const csrfFieldOf = (reply: FastifyReply) => html`<input type="hidden" name="_csrf" value="${reply.generateCsrf()}">`;

  function sendDocument(reply: FastifyReply, status: number, text: string): FastifyReply {
    setSecurityHeaders(reply, nonceOf(reply));
    return reply.code(status).type('text/html; charset=utf-8').send(text);
  }

  /** Sends one message without navigation. */
  function sendCard(reply: FastifyReply, card: { title: string; status: number; body: Markup; refreshTo?: string }) {
    const { title, status, body, refreshTo } = card;
    return sendDocument(reply, status, documentOf({ title, body, assets, href, nonce: nonceOf(reply), refreshTo }));
  }

  function sendFramed(
    request: FastifyRequest,
    reply: FastifyReply,
    page: { title: string; section: Section; body: Markup; status: number; refreshTo?: string | undefined },
  ): FastifyReply {
    const { visitor } = request;
    if (visitor === null) {
      const { title, status, body } = page;
      return sendCard(reply, { title, status, body: html`<main class="card bad">${body}</main>` });
    }
    const { caller } = visitor;
    const text = framedDocument({
      ...page,
      assets,
      href,
      version,
      nonce: nonceOf(reply),
      callerName: caller.name,
      csrfField: csrfFieldOf(reply),
      may: (access) => mayRun(caller, access),
    });
    return sendDocument(reply, page.status, text);
  }

  return {
    href,
    hereOf,
    sendCard,
    sendFramed,

    send(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
      if ('seeOther' in answer) {
        if (answer.endsSession) sessionCookie.clear(reply);
        return reply.redirect(href(answer.seeOther), 303);
      }
      if ('download' in answer) return sendFile(request, reply, answer);
      return sendFramed(request, reply, { ...answer, status: answer.status ?? 200 });
    },

    visitOf(request: FastifyRequest, reply: FastifyReply): Visit | OrganizationVisit {
      const { visitor, pageActor } = request;
      if (visitor === null) throw new Error('A page with an access was reached without a session.');
      const trace = traceOf(request);
      const visit: Visit = {
        ...visitor,
        trace,
        now: clock(),
        here: hereOf(request),
        baseUrl: baseUrl(),
        href,
        csrfField: csrfFieldOf(reply),
        nonce: nonceOf(reply),
        may: (access) => mayRun(visitor.caller, access),
        actorFor: (access) => actorOf(visitor.caller, access, request.query, trace),
      };
      return pageActor === null ? visit : { ...visit, actor: pageActor };
    },
  };
}

export type Responses = ReturnType<typeof createResponses>;

function sendFile(
  { method }: FastifyRequest,
  reply: FastifyReply,
  { download: { fileName, type, content } }: Download,
): FastifyReply {
  reply
    .headers({ 'content-disposition': `attachment; filename="${fileName}"`, 'cache-control': 'no-store' })
    .type(type);
  if (method !== 'HEAD') return reply.send(content);
  // Fastify would read the whole content to answer HEAD.
  content.destroy();
  return reply.send('');
}

function withoutSecondLoad(url: string): string {
  const at = url.indexOf('?');
  if (at < 0) return url;
  const pairs = url.slice(at + 1).split('&');
  const kept = pairs.filter((pair) => pair !== '' && !pair.startsWith(`${secondLoad}=`));
  return kept.length === 0 ? url.slice(0, at) : `${url.slice(0, at)}?${kept.join('&')}`;
}
