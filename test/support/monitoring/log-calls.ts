/** One call that writes a log line. */
export interface LogCall {
  /** `varies` if the level is an expression. */
  level: string;
  /** Constant messages that the call can write. */
  messages: string[];
  /** The expression of the message if it is not constant. */
  variable: string | null;
  /** Names of the fields that the call names itself. */
  fields: string[];
}

const levels = 'fatal|error|warn|info|debug|trace';
const methodCall = new RegExp(String.raw`\blog(?:ger)?(?:\.(${levels})|\[level\])\(`, 'g');
const functionCall = new RegExp(String.raw`\blog\('(${levels})', `, 'g');

/** Finds the log calls of a source file: `log.warn(fields, message)`, and `log('warn', message, fields)`. */
export function logCallsOf(source: string): LogCall[] {
  const methods = [...source.matchAll(methodCall)].map((match) => {
    const call = argumentsFrom(source, match.index + match[0].length);
    const message = call.at(-1) ?? '';
    return callOf(match[1] ?? 'varies', message, call.length > 1 ? (call[0] ?? '') : '');
  });
  const functions = [...source.matchAll(functionCall)].map((match) => {
    const [message = '', fields = ''] = argumentsFrom(source, match.index + match[0].length);
    return callOf(match[1] ?? '', message, fields);
  });
  return [...methods, ...functions];
}

function callOf(level: string, message: string, fields: string): LogCall {
  // `condition ? 'one' : 'another'`: a text in the condition is no message.
  const results = /\?(?!\.)/.test(message) ? message.slice(message.search(/\?(?!\.)/)) : message;
  const messages = [...results.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, text = '']) => text);
  return { level, messages, variable: messages.length === 0 ? message : null, fields: fieldsOf(fields) };
}

/** Names of the members of an object literal; those of spread objects are unknown. */
function fieldsOf(literal: string): string[] {
  if (!literal.startsWith('{')) return [];
  return argumentsFrom(literal, 1)
    .map((member) => /^(\w+)\s*(?::|$)/.exec(member)?.[1])
    .filter((name) => name !== undefined);
}

/** Splits at the commas between two arguments, from behind the opening bracket to the closing one. */
function argumentsFrom(source: string, start: number): string[] {
  const found = [''];
  let depth = 0;
  let quote = '';
  for (const [index, char] of [...source.slice(start)].entries()) {
    const isEscaped = source[start + index - 1] === '\\';
    if (quote !== '') {
      if (char === quote && !isEscaped) quote = '';
    } else if ('\'"`'.includes(char)) quote = char;
    else if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char) && depth-- === 0) break;
    if (char === ',' && depth === 0 && quote === '') found.push('');
    else found[found.length - 1] += char;
  }
  return found.map((text) => text.trim()).filter((text) => text !== '');
}
