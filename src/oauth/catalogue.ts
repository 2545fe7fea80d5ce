import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { ProviderTemplate } from '../domain/template.ts';
import { templateSchema } from './template-schema.ts';
import { placeholdersOf, templateUrls } from './template-urls.ts';

const shipped = join(import.meta.dirname, 'templates');

/** Reads every template of a folder. Throws one error that lists every fault of every file: a broken template stops the start. */
export function createCatalogue(directory: string = shipped): ProviderCatalogue {
  const faults: string[] = [];
  const templates = new Map<string, ProviderTemplate>();
  for (const file of readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const template = readTemplate(join(directory, file), faults);
    if (template !== null) templates.set(template.id, template);
  }
  const byHost = indexHosts([...templates.values()], faults);
  if (templates.size === 0 && faults.length === 0) faults.push(`${directory}: there is no template`);
  if (faults.length > 0) throw new Error(`Provider templates are faulty:\n${faults.join('\n')}`);
  return {
    find: (id) => templates.get(id),
    list: () => [...templates.values()],
    detect: (authorizationUrl) =>
      URL.canParse(authorizationUrl) ? findHost(byHost, new URL(authorizationUrl).hostname) : undefined,
  };
}

function readTemplate(path: string, faults: string[]): ProviderTemplate | null {
  const file = basename(path);
  const parsed = templateSchema.safeParse(readJson(path));
  if (!parsed.success) {
    faults.push(`${file}: ${z.prettifyError(parsed.error)}`);
    return null;
  }
  const template = parsed.data;
  if (template.id !== basename(file, '.json')) faults.push(`${file}: the id is not the file's name`);
  const texts = [...templateUrls(template), ...Object.values({ ...template.tokenParams, ...template.authorizeParams })];
  for (const name of texts.flatMap(placeholdersOf)) {
    if (!Object.hasOwn(template.variables, name)) faults.push(`${file}: {${name}} is not among the variables`);
  }
  return template;
}

/** Undefined where the file is not JSON, which the schema then refuses like any other fault. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function indexHosts(templates: readonly ProviderTemplate[], faults: string[]): Map<string, ProviderTemplate> {
  const byHost = new Map<string, ProviderTemplate>();
  for (const template of templates) {
    for (const host of template.detect) {
      if (byHost.has(host)) faults.push(`${template.id}: ${host} already belongs to ${byHost.get(host)?.id}`);
      byHost.set(host, template);
    }
  }
  return byHost;
}

/** The host itself, else the nearest parent that a `*.` entry names. */
function findHost(byHost: Map<string, ProviderTemplate>, host: string): ProviderTemplate | undefined {
  const labels = host.split('.');
  const parents = labels.map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
  return [host, ...parents].map((name) => byHost.get(name)).find((template) => template !== undefined);
}
