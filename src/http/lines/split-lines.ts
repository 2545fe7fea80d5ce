/** Maximum bytes of one line. It bounds the memory of a stream; a larger line is a mistake or an attack. */
export const maxLineBytes = 256 * 1024;

/** One line of a stream, counted from 1. `bytes` is null if the line is too long. */
export interface Line {
  line: number;
  bytes: Buffer | null;
}

const newline = 0x0a;

/**
 * Finds the lines of a stream, and yields those that a chunk completes together. The result does not depend on where the
 * chunks end. Holds at most one chunk and one line. A last line may lack its newline.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxBytes = maxLineBytes): AsyncGenerator<Line[]> {
  let line = 1;
  /** Pieces of the line that has begun. */
  let pieces: Buffer[] = [];
  let length = 0;

  const take = (piece: Buffer) => {
    length += piece.length;
    if (length > maxBytes) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  const end = (): Line => {
    const ended = { line, bytes: length > maxBytes ? null : Buffer.concat(pieces) };
    line++;
    pieces = [];
    length = 0;
    return ended;
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      take(chunk.subarray(from, at));
      lines.push(end());
      from = at + 1;
    }
    take(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [end()];
}
