import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';

type Context = Parameters<Parameters<Provider['use']>[0]>[0];

const pathPattern = /^\/interaction\/[\w-]+$/;

/** Sign-in and consent as two plain forms. Any login name is an account, and each form can be denied. */
export function createPages(provider: Provider) {
  return async (context: Context, next: () => Promise<unknown>): Promise<void> => {
    if (!pathPattern.test(context.path)) {
      await next();
      return;
    }
    const interaction = await provider.interactionDetails(context.req, context.res);
    if (context.method !== 'POST') {
      const step = interaction.prompt.name === 'login' ? 'login' : 'consent';
      context.type = 'html';
      context.body = page(
        step,
        context.path,
        String(interaction.params.client_id),
        String(interaction.params.scope ?? ''),
      );
      return;
    }
    const form = new URLSearchParams(await text(context.req));
    const result = form.get('decision') === 'deny' ? denial : await approve(provider, interaction, form);
    context.respond = false;
    await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: true });
  };
}

const denial = { error: 'access_denied', error_description: 'The person denied access.' };

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

async function approve(provider: Provider, interaction: Interaction, form: URLSearchParams) {
  if (interaction.prompt.name === 'login') return { login: { accountId: form.get('login') || 'unnamed' } };
  const held = interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  const accountId = interaction.session?.accountId;
  const grant =
    held ??
    new provider.Grant({
      clientId: String(interaction.params.client_id),
      ...(accountId === undefined ? {} : { accountId }),
    });
  const { missingOIDCScope, missingOIDCClaims } = interaction.prompt.details;
  if (Array.isArray(missingOIDCScope)) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (Array.isArray(missingOIDCClaims)) grant.addOIDCClaims(missingOIDCClaims.map(String));
  return { consent: { grantId: await grant.save() } };
}

function page(step: 'login' | 'consent', action: string, clientId: string, scope: string): string {
  const title = step === 'login' ? 'Sign in' : 'Allow access';
  const fields =
    step === 'login'
      ? '<label>Account <input name="login" required autofocus></label>'
      : `<p>The client ${escapeHtml(clientId)} asks for: ${escapeHtml(scope)}</p>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>
<form method="post" action="${escapeHtml(action)}" data-step="${step}">${fields}
<button name="decision" value="approve">${title}</button>
<button name="decision" value="deny" formnovalidate>Deny</button></form></html>`;
}

function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
