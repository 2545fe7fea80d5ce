import { slotMembers } from '../grant-line.ts';
import { refuse } from '../lines/read-lines.ts';
import type { SourceLine } from '../lines/source-line.ts';
import { createOpen } from './sealer.ts';

/**
 * Replaces each sealed line by the line inside. The slot in clear must be that of the sealed line: moved to another line,
 * tokens would become those of another person.
 */
export async function createOpenLine(identity: string): Promise<(line: SourceLine) => Promise<SourceLine>> {
  const open = await createOpen(identity);
  return async (line) => {
    const outer = typeof line.content === 'string' ? parse(line.content) : undefined;
    // A line without sealed tokens goes on as it is; the broker says what is wrong with it.
    if (outer === undefined || typeof outer.sealed !== 'string') return line;
    let text: string;
    try {
      text = await open(outer.sealed);
    } catch {
      return { ...line, content: refuse('invalid_request', 'cannot be opened with this identity', 'sealed') };
    }
    const inner = parse(text);
    const moved = slotMembers.find((member) => inner?.[member] !== outer[member]);
    if (inner === undefined || moved !== undefined) {
      const message = `differs from the sealed line${moved === undefined ? '' : `: ${moved}`}`;
      return { ...line, content: refuse('invalid_request', message, 'sealed') };
    }
    return { ...line, content: text };
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
