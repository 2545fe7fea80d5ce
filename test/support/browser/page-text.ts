import { decodeEntities, type Hop } from './browser.ts';

/** Heading of a page for people. */
export function titleOf({ body }: Hop): string | undefined {
  return /<h1>([^<]+)<\/h1>/.exec(body)?.[1];
}

/** Text of a page as a person reads it, with single spaces. */
export function textOf({ body }: Pick<Hop, 'body'>): string {
  const text = body
    .replace(/<style>[\s\S]*<\/style>/, '')
    .replace(/<\/?(bdi|strong|code|time)\b[^>]*>/g, '')
    .replace(/<[^>]*>/g, ' ');
  return decodeEntities(text).replace(/\s+/g, ' ');
}
