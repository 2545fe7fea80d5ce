import { type Item, missing, unmapped } from '../item.ts';
import type { Template } from '../match-template.ts';
import { recordOf, textOf } from '../values.ts';
import { mapGrant, type SubjectKind } from './map-grant.ts';
import { type Integration, mapIntegration } from './map-integration.ts';
import { type NangoApi, NangoRefusal } from './nango-api.ts';

export interface WalkOptions {
  /** Only these integrations; undefined for all. */
  integrations: readonly string[] | undefined;
  subject: SubjectKind;
  templates: readonly Template[];
}

/** Walks the connections of Nango one after the other, so that a line is sent soon after its tokens are read. */
export async function* readItems(nango: NangoApi, options: WalkOptions): AsyncGenerator<Item> {
  const integrations = await readIntegrations(nango, options.integrations);
  for await (const summary of nango.connections()) {
    const id = textOf(summary.connection_id);
    const key = textOf(summary.provider_config_key);
    if (id === undefined || key === undefined) continue;
    const integration = integrations.get(key);
    if (integration !== undefined) yield await readItem(nango, options, integration, id);
  }
}

async function readIntegrations(
  nango: NangoApi,
  wanted: readonly string[] | undefined,
): Promise<Map<string, Integration>> {
  const found = new Map<string, Integration>();
  for (const summary of await nango.integrations()) {
    const key = textOf(summary.unique_key);
    const provider = textOf(summary.provider);
    if (key === undefined || provider === undefined || wanted?.includes(key) === false) continue;
    found.set(key, { key, details: await nango.integration(key), provider: await nango.provider(provider) });
  }
  return found;
}

async function readItem(
  nango: NangoApi,
  { templates, subject }: WalkOptions,
  integration: Integration,
  id: string,
): Promise<Item> {
  const from = `${integration.key}/${id}`;
  if (textOf(integration.provider.auth_mode) !== 'OAUTH2') {
    const mapped = mapIntegration(integration, {}, templates);
    return unmapped(from, 'reason' in mapped ? mapped.reason : 'no OAuth 2.0');
  }
  try {
    const full = await nango.connection(id, integration.key);
    const mapped = mapIntegration(integration, recordOf(full.connection_config), templates);
    return 'reason' in mapped ? missing(from, mapped.reason) : mapGrant(from, full, mapped.connection, subject);
  } catch (error) {
    // Nango refreshes what has expired, and refuses a connection that it cannot refresh.
    if (error instanceof NangoRefusal) return missing(from, `its credentials cannot be read: ${error.message}`);
    throw error;
  }
}
