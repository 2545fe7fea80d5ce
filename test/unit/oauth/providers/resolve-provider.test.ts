import { describe, expect, test } from 'vitest';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { resolveProvider } from '../../../../src/oauth/providers/resolve-provider.ts';
import { someSettings } from '../../../support/builders/connection.ts';

const catalogue = createCatalogue();
const templateOf = (settings: Parameters<typeof someSettings>[0]) =>
  resolveProvider(catalogue, someSettings(settings))?.template;

describe('rules of a connection', () => {
  const withPkce = catalogue.list().find(({ pkce }) => pkce);
  const withoutPkce = catalogue.list().find(({ pkce }) => !pkce);

  test.each([
    [null, true, false],
    [true, true, true],
    [false, false, false],
  ])('pkce %j replaces the value of the template', (pkce, onIfDefault, onIfNotDefault) => {
    expect(templateOf({ provider: withPkce?.id ?? '', pkce })?.pkce).toBe(onIfDefault);
    expect(templateOf({ provider: withoutPkce?.id ?? '', pkce })?.pkce).toBe(onIfNotDefault);
  });

  test('terminal_errors are added to those of the template, error_path replaces its own', () => {
    const template = catalogue.list().find(({ terminalErrors }) => terminalErrors.length > 0);
    const own = templateOf({ provider: template?.id ?? '', terminalErrors: ['dead'], errorPath: 'fault.code' });
    expect(own?.terminalErrors).toEqual([...(template?.terminalErrors ?? []), 'dead']);
    expect(own?.response.error).toBe('fault.code');
    expect(templateOf({ provider: template?.id ?? '' })?.response.error).toBe(template?.response.error);
  });
});
