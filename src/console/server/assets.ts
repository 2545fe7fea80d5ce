import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { baseStyle, cardStyle } from '../../markup/styles.ts';
import type { Assets } from '../layout/frame.ts';

interface Asset {
  file: string;
  type: string;
  content: Buffer;
}

const oneYearSeconds = 31_536_000;

const ownFile = (file: string) => readFileSync(new URL(`../assets/${file}`, import.meta.url));
const ofHtmx = (file: string) => readFileSync(new URL(import.meta.resolve(`htmx.org/dist/${file}`)));

/**
 * Serves the style sheet and the scripts. The address of a file holds the hash of its content, so that a browser may keep
 * it for ever and loads a changed one at once.
 */
export function registerAssets(app: FastifyInstance): Assets {
  const serve = ({ file, type, content }: Asset): string => {
    const hash = createHash('sha256').update(content).digest('base64url').slice(0, 16);
    const url = `/assets/${hash}/${file}`;
    app.get(url, { config: { page: `/console/assets/${file}` } }, (_request, reply) =>
      reply.header('cache-control', `public, max-age=${oneYearSeconds}, immutable`).type(type).send(content),
    );
    return `/console${url}`;
  };
  const script = 'text/javascript; charset=utf-8';
  const style = Buffer.concat([Buffer.from(baseStyle + cardStyle), ownFile('console.css')]);
  return {
    style: serve({ file: 'console.css', type: 'text/css; charset=utf-8', content: style }),
    htmx: serve({ file: 'htmx.js', type: script, content: ofHtmx('htmx.min.js') }),
    htmxCsp: serve({ file: 'hx-csp.js', type: script, content: ofHtmx('ext/hx-csp.min.js') }),
    script: serve({ file: 'console.js', type: script, content: ownFile('console.js') }),
    icon: serve({ file: 'icon.svg', type: 'image/svg+xml', content: ownFile('icon.svg') }),
  };
}
