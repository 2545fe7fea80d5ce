import { z } from 'zod';
import { line, text } from './text.ts';

const maxEntries = 50;
const parameterName = z.string().regex(/^[A-Za-z0-9_.:[\]-]{1,100}$/);
const variableName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);

function bounded<S extends z.ZodType<Record<string, unknown>>>(schema: S) {
  return schema.refine((map) => Object.keys(map).length <= maxEntries, `must have at most ${maxEntries} members`);
}

// The oauth layer knows the reserved names and refuses them; this schema only documents the rule.
const description =
  'Parameters that the protocol defines are refused, such as state or client_id, in any case and with brackets. response_mode may be query or form_post.';

export const parameterMap = bounded(z.record(parameterName, text(2048))).describe(description);
export const parameterPatch = bounded(z.record(parameterName, text(2048).nullable())).describe(description);
export const variableMap = bounded(z.record(variableName, line(512)));
export const variablePatch = bounded(z.record(variableName, line(512).nullable()));
