import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import type { BrokerErrorCode, Fault } from '../../domain/errors.ts';
import { findRepeatedMember } from '../../domain/json/repeated-member.ts';
import { dotted, explain, faultsOf } from '../validation/faults.ts';
import { type Line, maxLineBytes } from './split-lines.ts';

export interface RefusedLine {
  code: Extract<BrokerErrorCode, 'invalid_request' | 'payload_too_large'>;
  errors: Fault[];
}

/** Value of a line, a refusal, or undefined for a blank line. */
export type ParsedLine<T> = { value: T } | { refused: RefusedLine } | undefined;

/** Faults listed for one line. A line can hold thousands; the response must not grow with it. */
const maxFaults = 20;

/** Reads a line by the rules of a JSON body. No fault repeats a value of the line. */
export function parseLine<S extends z.ZodObject>({ bytes }: Line, schema: S): ParsedLine<z.output<S>> {
  if (bytes === null) return refused('payload_too_large', { path: 'body', message: `is over ${maxLineBytes} bytes` });
  if (!isUtf8(bytes)) return refused('invalid_request', { path: 'body', message: 'is not valid UTF-8' });
  const text = bytes.toString('utf8').trim();
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('invalid_request', { path: 'body', message: 'is not valid JSON' });
  }
  const repeated = findRepeatedMember(text);
  if (repeated !== undefined)
    return refused('invalid_request', { path: dotted(repeated), message: 'is there more than once' });
  const parsed = schema.safeParse(value, { error: explain });
  if (parsed.success) return { value: parsed.data };
  return refused(
    'invalid_request',
    ...faultsOf(parsed.error.issues, '', Object.keys(schema.shape)).slice(0, maxFaults),
  );
}

function refused(code: RefusedLine['code'], ...errors: Fault[]): { refused: RefusedLine } {
  return { refused: { code, errors } };
}
