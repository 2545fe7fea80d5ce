import { createServer } from 'node:http';
import { answerParent } from './fork.ts';
import { listen } from './listen.ts';
import type { TokenEndpoint, TokenEndpointOptions } from './token-endpoint.ts';

/** Answers every token request at once, or after as long as it is told to, a new refresh token each time: what is measured is the broker, not a provider. */
await answerParent<TokenEndpointOptions, TokenEndpoint>(async ({ lifetimeSeconds, delayMs = 0 }) => {
  let issued = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      issued += 1;
      const body = JSON.stringify({
        // About as long as the tokens of large providers.
        access_token: `access-${issued}-`.padEnd(200, 'a'),
        refresh_token: `refresh-${issued}-`.padEnd(100, 'r'),
        token_type: 'Bearer',
        expires_in: lifetimeSeconds,
      });
      const answer = () => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      if (delayMs === 0) answer();
      else setTimeout(answer, delayMs);
    });
  });
  return { url: `${await listen(server)}/token` };
});
