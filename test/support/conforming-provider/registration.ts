import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import type { TokenAuthMethod } from '../../../src/domain/connections/connection.ts';
import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';

/** A client as the provider registered it. */
export interface Registration {
  clientId: string;
  method: TokenAuthMethod;
  /** Client secret, or private key as PEM under private_key_jwt. */
  secret: string;
  publicKey: string;
  redirectUri: string;
  variables: Record<string, string>;
  scopes: string[];
}

const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

/** Registers a client whose id and secret change under every wrong encoding. */
export function register(template: ProviderTemplate): Registration {
  const { tokenAuthMethod: method, test: probe } = template;
  const scopes = [...template.defaultScopes];
  const scope = probe?.scopes[0];
  if (scope !== undefined && !scopes.includes(scope)) scopes.push(scope);
  return {
    clientId: 'client~1+%2B&é',
    method,
    secret: method === 'private_key_jwt' ? privateKey : 'p%40ss:w/o=rd+&é ü',
    publicKey,
    redirectUri: 'https://broker.example/callback/acme%3Aeu/crm?x=1',
    variables: variablesOf(template),
    scopes: scopes.length > 0 ? scopes : ['read:some', 'https://scopes.example/write'],
  };
}

const samples = [
  'acme',
  'acme.example.com',
  '12345',
  'us',
  'eu',
  '8f1b7a52-0c1e-4f0a-9c58-2b5a8f0c7d11',
  'https://acme.example.com',
];

function variablesOf({ variables }: ProviderTemplate): Record<string, string> {
  const required = Object.entries(variables).filter(([, spec]) => spec.default === null);
  return Object.fromEntries(
    required.map(([name, { pattern }]) => {
      const sample = samples.find((each) => new RegExp(pattern).test(each));
      if (sample === undefined) throw new Error(`no sample matches ${pattern}`);
      return [name, sample];
    }),
  );
}

/** Fills in placeholders; null if one has no value. */
export function fillIn(template: ProviderTemplate, registration: Registration, text: string): string | null {
  let isWhole = true;
  const filled = text.replace(/\{([a-z][a-z0-9_]*)\}/g, (_, name: string) => {
    const value = registration.variables[name] ?? template.variables[name]?.default;
    isWhole &&= value !== null && value !== undefined;
    return value ?? '';
  });
  return isWhole ? filled : null;
}

/** Fills in the parameters of a template. One whose placeholder has no value is left out. */
export function fillInAll(
  template: ProviderTemplate,
  registration: Registration,
  parameters: Record<string, string>,
): Record<string, string> {
  const filled = Object.entries(parameters).map(
    ([name, text]) => [name, fillIn(template, registration, text)] as const,
  );
  return Object.fromEntries(filled.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** A text that a pattern describes, the same one in every run. */
export function textLike(pattern: string): string {
  const [text = ''] = fc.sample(fc.stringMatching(new RegExp(`^(?:${pattern.slice(1, -1)})$`)), {
    numRuns: 1,
    seed: 7,
  });
  return text;
}
