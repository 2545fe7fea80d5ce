import { check } from './narrated-api.ts';
import type { Stage } from './stage.ts';

/** Name that the connection of a visitor should have: its redirect URI is registered for this name. */
const visitorsConnection = 'my-first';

/** Registers one more client at the provider, and prints what a visitor of the console types to connect it. */
export async function offerConsole({ narrator, broker, provider, dataDir }: Stage): Promise<void> {
  const { clientId, clientSecret } = await provider.registerClient();
  await provider.addRedirectUri(clientId, `${broker.url}/callback/${visitorsConnection}`);
  const page = await fetch(`${broker.url}/console/sign-in`);
  check(page.ok, `the console answers ${page.status}`);
  narrator.line();
  narrator.title('The console');
  narrator.note(
    'Open the address in a browser, and sign in with the key. The key is of this demo only and ends with it.',
  );
  printPairs(narrator.note, { Address: `${broker.url}/console`, 'API key': dataDir.adminKey() });
  narrator.note('Then choose "New connection" and "Use plain OAuth 2.0", and type:');
  printPairs(narrator.note, {
    'Connection name': visitorsConnection,
    'Authorization URL': provider.endpoints.authorization,
    'Token URL': provider.endpoints.token,
    'Client ID': clientId,
    'Client secret': clientSecret,
    Scopes: 'openid profile',
  });
  narrator.note('Choose Connect. Any name signs in at the provider of the demo.');
}

function printPairs(print: (text: string) => void, pairs: Record<string, string>): void {
  const width = Math.max(...Object.keys(pairs).map(({ length }) => length));
  for (const [name, value] of Object.entries(pairs)) print(`  ${name.padEnd(width)}  ${value}`);
}
