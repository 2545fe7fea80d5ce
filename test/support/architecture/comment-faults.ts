import type { Tree } from './source-tree.ts';

export interface Comment {
  /** Line of the first character, from 1. */
  line: number;
  /** Text without the marks, in one line. */
  text: string;
}

const startsWithRiddle = /^(what|of|where)\b/i;
const namesNobody = /\b(nobody|whoever|somebody)\b/i;

/** Comments that break the cheapest rules of the language, one sentence each. */
export function commentFaults(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) =>
    commentsOf(text).flatMap(({ line, text: comment }) => {
      const first = startsWithRiddle.exec(comment)?.[1];
      const actor = namesNobody.exec(comment)?.[1];
      return [
        ...(first === undefined
          ? []
          : [`${file}:${line} starts a comment with ${first}: begin with a verb or the thing`]),
        ...(actor === undefined ? [] : [`${file}:${line} says ${actor}: name the process, caller, provider or row`]),
      ];
    }),
  );
}

/** Block comments, and line comments; consecutive lines that hold nothing else are one comment. */
export function commentsOf(code: string): Comment[] {
  const comments: Comment[] = [];
  let open: (Comment & { kind: 'block' | 'line' }) | undefined;
  code.split('\n').forEach((source, index) => {
    const line = index + 1;
    if (open?.kind === 'block') {
      const end = source.indexOf('*/');
      open.text += ` ${(end < 0 ? source : source.slice(0, end)).replace(/^\s*\*\s?/, '').trim()}`;
      if (end >= 0) open = undefined;
      return;
    }
    const alone = /^\s*\/\/ ?(.*)$/.exec(source)?.[1];
    if (alone !== undefined && open?.kind === 'line') {
      open.text += ` ${alone}`;
      return;
    }
    open = undefined;
    const block = /(?:^|\s)\/\*\*? ?(.*)$/.exec(source)?.[1];
    const found = alone ?? block ?? /\s\/\/ (.*)$/.exec(source)?.[1];
    if (found === undefined) return;
    const isClosed = block === undefined || block.includes('*/');
    const comment = {
      line,
      text: found.replace(/\*\/.*$/, '').trim(),
      kind: block === undefined ? 'line' : 'block',
    } as const;
    comments.push(comment);
    open = alone !== undefined || !isClosed ? comment : undefined;
  });
  return comments.map(({ line, text }) => ({ line, text: text.trim() }));
}
