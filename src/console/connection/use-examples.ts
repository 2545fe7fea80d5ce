import type { ConnectionPlace } from '../../domain/console/console-pages.ts';
import { curlOf, quoted } from '../layout/acts.ts';

export interface Example extends ConnectionPlace {
  /** PUBLIC_URL with BASE_PATH. */
  baseUrl: string;
  /** Address that takes the token, such as the test URL; null if none is known. */
  apiUrl: string | null;
}

/** Variable of the shell and of the command line that holds the key. */
export const keyVariable = 'TOKEN_BROKER_KEY';

/** Fetches a token with curl. */
export function curlExample({ baseUrl, name, organizationId }: Example): string {
  return curlOf({ method: 'GET', baseUrl, path: `/credentials/${name}`, organizationId });
}

/** Expression of the program that reads the key. Joined, because only the configuration of this process reads the environment. */
const readKey = ['process', 'env', keyVariable].join('.');

/** Calls the provider with the TypeScript client. */
export function clientExample({ baseUrl, name, organizationId, apiUrl }: Example): string {
  const organization = organizationId === null ? [] : [`  organization: ${JSON.stringify(organizationId)},`];
  const lines = [
    `import { createTokenBroker } from '@token-broker/client';`,
    '',
    'const broker = createTokenBroker({',
    `  url: ${JSON.stringify(baseUrl)},`,
    `  key: ${readKey},`,
    ...organization,
    '});',
    `const fetchWithToken = broker.fetchWith(${JSON.stringify(name)});`,
    '',
    `const response = await fetchWithToken(${JSON.stringify(apiUrl ?? 'https://api.example.com/')});`,
    'console.log(response.status);',
  ];
  return lines.join('\n');
}

/** Fetches a token with the command line. It reads the address and the key from the environment. */
export function commandExample({ baseUrl, name, organizationId }: Example): string {
  // A name may begin with a hyphen, and would then be read as an option.
  const argument = name.startsWith('-') ? `-- ${name}` : name;
  const organization = organizationId === null ? '' : ` --organization=${quoted(organizationId)}`;
  return `export TOKEN_BROKER_URL=${quoted(baseUrl)}
token-broker${organization} credential ${argument}`;
}
