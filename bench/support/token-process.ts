import { createServer } from 'node:http';
import { reportToParent } from './fork.ts';
import { listen } from './listen.ts';
import type { TokenEndpoint, TokenEndpointOptions } from './token-endpoint.ts';

/** Responds to every token request after `delayMs`, each time with a new refresh token. */
await reportToParent<TokenEndpointOptions, TokenEndpoint>(async ({ lifetimeSeconds, delayMs = 0 }) => {
  let issued = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      issued += 1;
      const body = JSON.stringify({
        // Tokens about as long as those of large providers.
        access_token: `access-${issued}-`.padEnd(200, 'a'),
        refresh_token: `refresh-${issued}-`.padEnd(100, 'r'),
        token_type: 'Bearer',
        expires_in: lifetimeSeconds,
      });
      const respond = () => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      if (delayMs === 0) respond();
      else setTimeout(respond, delayMs);
    });
  });
  return { url: `${await listen(server)}/token` };
});
