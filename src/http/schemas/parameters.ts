import { z } from 'zod';
import { line, text } from './text.ts';

/** What the protocol itself sends; RFC 6749 §4, RFC 7636 §4. An administrator who could set these could forge requests. */
const reserved = /^(state|redirect_uri|client_id|client_secret|response_type|grant_type|refresh_token|code.*)$/i;
const maxEntries = 50;

const parameterName = z
  .string()
  .regex(/^[A-Za-z0-9_.:[\]-]{1,100}$/)
  .refine((name) => !reserved.test(name));
const variableName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);

function bounded<S extends z.ZodType<Record<string, unknown>>>(schema: S) {
  return schema.refine((map) => Object.keys(map).length <= maxEntries, `must have at most ${maxEntries} members`);
}

function withResponseMode<S extends z.ZodType<Record<string, string | null>>>(schema: S) {
  return schema.refine((map) => ['query', 'form_post', null, undefined].includes(map.response_mode), {
    path: ['response_mode'],
    error: 'must be query or form_post',
  });
}

const description = 'The protocol’s own parameters cannot be set here; response_mode only to query or form_post.';

export const parameterMap = withResponseMode(bounded(z.record(parameterName, text(2048)))).describe(description);
export const parameterPatch = withResponseMode(bounded(z.record(parameterName, text(2048).nullable()))).describe(
  description,
);
export const variableMap = bounded(z.record(variableName, line(512)));
export const variablePatch = bounded(z.record(variableName, line(512).nullable()));
