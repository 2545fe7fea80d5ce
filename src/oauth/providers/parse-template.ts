import { basename } from 'node:path';
import type { z } from 'zod';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { templateSchema } from './template-schema.ts';
import { placeholdersOf } from './template-urls.ts';

/** A template, or null, with its faults. Each fault begins with its path inside the file. */
export interface ParsedTemplate {
  template: ProviderTemplate | null;
  faults: string[];
}

/** Validates the content of a template file. A file must have the name of its id, so that two files cannot share one. */
export function parseTemplate(content: unknown, fileName: string): ParsedTemplate {
  const parsed = templateSchema.safeParse(content);
  if (!parsed.success) return { template: null, faults: parsed.error.issues.flatMap(describeIssue) };
  const template = parsed.data;
  const name = basename(fileName, '.json');
  const faults =
    template.id === name ? [] : [`id: the file's name says ${JSON.stringify(name)}, and this is ${template.id}`];
  return { template, faults: [...faults, ...unknownPlaceholders(template)] };
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${pathOf([...issue.path, key])}: there is no such member`);
  }
  return [issue.path.length === 0 ? issue.message : `${pathOf(issue.path)}: ${issue.message}`];
}

/** Joins member names with dots. A name that holds a dot itself is quoted. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.map((part) => (/^[^."\s]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part)))).join('.');
}

function unknownPlaceholders(template: ProviderTemplate): string[] {
  return placesOfPlaceholders(template).flatMap(([path, text]) =>
    placeholdersOf(text ?? '')
      .filter((name) => !Object.hasOwn(template.variables, name))
      .map((name) => `${pathOf(path)}: {${name}} is not among the variables`),
  );
}

/** Members whose text may hold placeholders. */
function placesOfPlaceholders(
  template: ProviderTemplate,
): (readonly [path: readonly string[], text: string | null | undefined])[] {
  const { authorizationUrl, tokenUrl, refreshUrl, issuer, revocation, test } = template;
  const { authorizeParams, tokenParams, refreshParams } = template;
  const texts = Object.entries({ authorizationUrl, tokenUrl, refreshUrl, issuer });
  const parameters = Object.entries({ authorizeParams, tokenParams, refreshParams });
  return [
    ...texts.map(([name, text]) => [[name], text] as const),
    [['revocation', 'url'], revocation?.url],
    [['test', 'url'], test?.url],
    ...parameters.flatMap(([name, values]) =>
      Object.entries(values).map(([key, text]) => [[name, key], text] as const),
    ),
  ];
}
