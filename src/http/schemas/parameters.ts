import { z } from 'zod';
import { line, text } from './text.ts';

const maxEntries = 50;
const parameterName = z.string().regex(/^[A-Za-z0-9_.:[\]-]{1,100}$/);
const variableName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);

function bounded<S extends z.ZodType<Record<string, unknown>>>(schema: S) {
  return schema.refine((map) => Object.keys(map).length <= maxEntries, `must have at most ${maxEntries} members`);
}

// Which names are the protocol's is known where the protocol is spoken.
const description = 'The protocol’s own parameters are refused here; response_mode only as query or form_post.';

export const parameterMap = bounded(z.record(parameterName, text(2048))).describe(description);
export const parameterPatch = bounded(z.record(parameterName, text(2048).nullable())).describe(description);
export const variableMap = bounded(z.record(variableName, line(512)));
export const variablePatch = bounded(z.record(variableName, line(512).nullable()));
