import { connectionName } from './connect.ts';
import type { Stage } from './stage.ts';

/** Prints commands to try against the running demo. */
export function explainServing({ narrator, broker, provider, dataDir }: Stage): void {
  const authorization = '-H "Authorization: Bearer $ADMIN_KEY"';
  narrator.line();
  narrator.title('The broker keeps running. In another terminal:');
  narrator.command(`BROKER=${broker.url} ADMIN_KEY=$(cat ${dataDir.path}/admin-key)`);
  narrator.note('Fetch a token, as a service does:');
  narrator.command(`curl -s "$BROKER/credentials/${connectionName}" ${authorization}`);
  narrator.note('Connect another account (open authorization_url in a browser; any name signs in):');
  narrator.command(
    `curl -s -X POST "$BROKER/connections/${connectionName}/authorize" ${authorization} -H "X-Organization-Id: initech"`,
  );
  narrator.note('List the connections:');
  narrator.command(`curl -s "$BROKER/connections" ${authorization}`);
  narrator.note(`Use a token at the provider:`);
  narrator.command(`curl -s ${provider.endpoints.userinfo} -H "Authorization: Bearer $ACCESS_TOKEN"`);
  narrator.note('Revoke:');
  narrator.command(`curl -s -X POST "$BROKER/connections/${connectionName}/revoke" ${authorization}`);
  narrator.line();
  narrator.note(`Every route: ${broker.url}/docs. The admin key: ${dataDir.path}/admin-key.`);
}
