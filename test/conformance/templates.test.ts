import process from 'node:process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProviderTemplate } from '../../src/domain/connections/template.ts';
import { createCatalogue } from '../../src/oauth/providers/catalogue.ts';
import { arbitraryTemplate } from '../support/conforming-provider/arbitrary-template.ts';
import { type Conformance, runConformance } from '../support/conforming-provider/conformance.ts';
import { type ProviderServer, startProviderServer } from '../support/conforming-provider/server.ts';

let server: ProviderServer;
beforeAll(async () => {
  server = await startProviderServer();
});
afterAll(() => server?.close());

const catalogue = createCatalogue();

describe('the broker and a provider that follows the template understand each other:', () => {
  const lines: string[] = [];
  afterAll(() => {
    process.stdout.write(`\n${lines.join('\n')}\n`);
  });

  test.each(catalogue.list().map(({ id }) => id))('%s', async (id) => {
    const template = catalogue.find(id);
    if (template === undefined) throw new Error('missing');
    const result = await runConformance(server, withEndpoints(template));
    lines.push(lineOf(template, result));
    expect(result.faults).toEqual([]);
  });
});

test('they do under combinations of deviations that no provider has', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTemplate(), async (template) => {
      expect((await runConformance(server, template)).faults).toEqual([]);
    }),
    { numRuns: 100 },
  );
}, 180_000);

/** A template without endpoints of its own gets some, as a connection brings them. */
function withEndpoints(template: ProviderTemplate): ProviderTemplate {
  return {
    ...template,
    authorizationUrl: template.authorizationUrl ?? 'https://provider.example/authorize?tenant=a%20b',
    tokenUrl: template.tokenUrl ?? 'https://provider.example/token',
  };
}

function lineOf(template: ProviderTemplate, { faults, refusals }: Conformance): string {
  const { id, tokenAuthMethod, requestBody, refreshToken, revocation } = template;
  const rotates = { true: 'rotates', false: 'keeps', null: 'rotates or keeps' }[`${refreshToken.rotates}`];
  const revokes = revocation === null ? 'no revocation' : `${revocation.style} ${revocation.method}`;
  const columns = [id, tokenAuthMethod, requestBody, rotates, `${refusals} refusals`, revokes];
  const widths = [30, 24, 6, 17, 13, 16];
  const result = faults.length === 0 ? 'conforms' : `${faults.length} faults`;
  return `${columns.map((text, index) => text.padEnd(widths[index] ?? 0)).join('')}${result}`;
}
