import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { html, Markup } from '../../markup/html.ts';
import { style } from './style.ts';

export interface Page {
  title: string;
  body: Markup;
  /** True if the page holds a form that leads to a provider. */
  hasForm?: true;
}

const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`;

/** Allows no scripts, no other origin and no framing. The one style sheet is allowed by its hash. */
const policyOf = (formAction: string) =>
  [
    "default-src 'none'",
    `style-src ${styleSource}`,
    "base-uri 'none'",
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
  ].join('; ');
const contentSecurityPolicy = policyOf("'none'");
/**
 * Browsers apply form-action to every redirect that follows a form (CSP 3 §6.4.1). The hosts of a provider's sign-in are
 * not known beforehand, so the policy of a page with a form names schemes.
 */
const policyWithForm = policyOf("'self' https: http:");

export function renderPage({ title, body }: Page): string {
  const styleSheet = new Markup(`<style>${style}</style>`);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
${styleSheet}
</head>
<body>
${body}
</body>
</html>
`.text;
}

/** Sends the page. The caller sets the status code. */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .headers({
      'content-security-policy': page.hasForm ? policyWithForm : contentSecurityPolicy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    .type('text/html; charset=utf-8')
    .send(renderPage(page));
}
