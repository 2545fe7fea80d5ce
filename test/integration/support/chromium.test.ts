import { expect, test } from 'vitest';
import { describeWithChromium, findChromium, launchChromium } from '../../support/browser/chromium.ts';
import { startOAuthServer } from '../../support/oauth-server/server.ts';

const found = await findChromium();

describeWithChromium('the real browser of the tests', found, (executablePath) => {
  test('opens a page of the authorization server', async () => {
    const server = await startOAuthServer();
    const browser = await launchChromium(executablePath);
    try {
      const page = await browser.newPage();
      const answer = await page.goto(`${server.issuer}/.well-known/openid-configuration`);
      expect(await answer?.json()).toMatchObject({ issuer: server.issuer });
    } finally {
      await browser.close();
      await server.stop();
    }
  });
});
