import { readFileSync } from 'node:fs';

/** Reads a style sheet of this folder once, when the module is loaded. */
const read = (file: string) => readFileSync(new URL(`./styles/${file}`, import.meta.url), 'utf8');

/** Colours, widths and fonts, and the look of plain elements. Every page begins with them. */
export const baseStyle = `${read('tokens.css')}${read('base.css')}`;

/** A page with one message. */
export const cardStyle = read('card.css');

/** The page of the API description. */
export const docsStyle = read('docs.css');
