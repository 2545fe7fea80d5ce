import { join } from 'node:path';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { type ReadTemplate, readTemplateFolder } from './read-template-folder.ts';

const shippedFolder = join(import.meta.dirname, '../templates');

export interface CatalogueOptions {
  /** Folder of the templates that come with the service. */
  shipped?: string;
  /** Folder of further templates; null: none. A file adds a template, or replaces the shipped one of the same id. */
  further?: string | null;
  /** Receives what was found in the folder of further templates. */
  onFurther?: (found: FurtherTemplates) => void;
}

export interface FurtherTemplates {
  folder: string;
  added: string[];
  overridden: string[];
  /** Names of entries that are no templates. */
  ignored: string[];
}

/** Reads all templates. Throws one error with all faults of all files: a faulty template stops the start. */
export function createCatalogue(options: CatalogueOptions = {}): ProviderCatalogue {
  const { shipped: folder = shippedFolder, further: furtherFolder = null, onFurther = () => undefined } = options;
  const shipped = readTemplateFolder(folder);
  const further = furtherFolder === null ? null : readTemplateFolder(furtherFolder);
  const own = further?.templates ?? [];
  const templates = new Map([...shipped.templates, ...own].map(({ template }) => [template.id, template]));
  const kept = shipped.templates.filter(({ template }) => templates.get(template.id) === template);
  const hosts = [indexBy('detect', own), indexBy('detect', kept)];
  const aliases = [indexBy('aliases', own), indexBy('aliases', shipped.templates)];
  const indexFaults = [...hosts, ...aliases].flatMap((index) => index.faults);
  const faults = [...shipped.faults, ...(further?.faults ?? []), ...indexFaults];
  if (templates.size === 0 && faults.length === 0) faults.push(`${folder}: there is no template`);
  if (faults.length > 0) throw new Error(`Provider templates are faulty:\n${faults.join('\n')}`);
  if (furtherFolder !== null && further !== null) {
    const shippedIds = new Set(shipped.templates.map(({ template }) => template.id));
    const ids = own.map(({ template }) => template.id);
    onFurther({
      folder: furtherFolder,
      added: ids.filter((id) => !shippedIds.has(id)),
      overridden: ids.filter((id) => shippedIds.has(id)),
      ignored: further.ignored,
    });
  }
  // A host of a further template may belong to a shipped one too: a later release cannot break an installation's folder.
  const byHost = new Map(hosts.toReversed().flatMap((index) => [...index.byName]));
  const byAlias = new Map(aliases.toReversed().flatMap((index) => [...index.byName]));
  return {
    // A template that replaces a shipped one also has the aliases of that one: connections are stored with them.
    find: (id) => templates.get(id) ?? templates.get(byAlias.get(id)?.id ?? ''),
    list: () => [...templates.values()],
    detect: (authorizationUrl) =>
      URL.canParse(authorizationUrl) ? findHost(byHost, new URL(authorizationUrl).hostname) : undefined,
  };
}

interface Index {
  byName: Map<string, ProviderTemplate>;
  faults: string[];
}

/** Indexes the templates of one folder by the names that each lists in a member. A name belongs to one template. */
function indexBy(member: 'detect' | 'aliases', files: readonly ReadTemplate[]): Index {
  const byName = new Map<string, ProviderTemplate>();
  const faults: string[] = [];
  for (const { file, template } of files) {
    for (const [index, name] of template[member].entries()) {
      const other = byName.get(name);
      if (other !== undefined) faults.push(`${file}: ${member}.${index}: ${name} already belongs to ${other.id}`);
      byName.set(name, template);
    }
  }
  return { byName, faults };
}

/** Finds the template of the exact host, or of the nearest parent domain with a `*.` entry. */
function findHost(byHost: Map<string, ProviderTemplate>, host: string): ProviderTemplate | undefined {
  const labels = host.split('.');
  const parents = labels.map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
  return [host, ...parents].map((name) => byHost.get(name)).find((template) => template !== undefined);
}
