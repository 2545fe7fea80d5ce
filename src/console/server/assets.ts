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

/** A page with one message is styled last: its rules hold where those of the console say otherwise. */
const layerOrder = '@layer base, console, card;\n';
/** Style sheets of the console, in the order in which a later rule wins. */
const styleSheets = [
  'frame',
  'parts',
  'forms',
  'tables',
  'tabs',
  'narrow',
  'overview',
  'grants',
  'chosen-rows',
  'editing',
  'connection',
] as const;

const ownFile = (file: string) => readFileSync(new URL(`../assets/${file}`, import.meta.url));
const ownStyles = () => styleSheets.map((name) => ownFile(`styles/${name}.css`).toString());
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
  const style = Buffer.from([layerOrder, baseStyle, cardStyle, ...ownStyles()].join(''));
  return {
    style: serve({ file: 'console.css', type: 'text/css; charset=utf-8', content: style }),
    htmx: serve({ file: 'htmx.js', type: script, content: ofHtmx('htmx.min.js') }),
    htmxCsp: serve({ file: 'hx-csp.js', type: script, content: ofHtmx('ext/hx-csp.min.js') }),
    script: serve({ file: 'console.js', type: script, content: ownFile('console.js') }),
    icon: serve({ file: 'icon.svg', type: 'image/svg+xml', content: ownFile('icon.svg') }),
  };
}
