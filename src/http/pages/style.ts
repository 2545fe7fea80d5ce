import { baseStyle, cardStyle, docsStyle } from '../../markup/styles.ts';

/** Style sheet of every page that a person without a caller sees. It is part of the page: no request to any host. */
export const style = `${baseStyle}${cardStyle}${docsStyle}`;
