import { pathOf } from '../../../client/transport/request-url.ts';
import type { AuthorizationProgress, StartedAuthorization } from '../../../client/types/authorization.ts';
import type { CommandContext } from '../../context.ts';
import { exitCodes } from '../../exit-codes.ts';
import { cleanText } from '../../output/clean-text.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { awaitAuthorization } from './await-authorization.ts';
import { openBrowser } from './open-browser.ts';

export interface AuthorizeOptions {
  subject?: string;
  subjectLabel?: string;
  account?: string;
  scopes?: string;
  loginHint?: string;
  expiresIn?: number;
  open: boolean;
  wait?: boolean;
}

export async function authorize(context: CommandContext, name: string, options: AuthorizeOptions): Promise<void> {
  const { output, prompts, environment } = context;
  const api = await context.api();
  const path = pathOf('connections', name, 'authorize');
  const { body: started } = await api.call<StartedAuthorization>({ method: 'POST', path, body: bodyOf(options) });
  await printLink(context, started, options.wait === true);
  if (options.open && prompts.isInteractive) await openBrowser(started.authorization_url, environment);
  if (options.wait !== true) return;
  const progress = await prompts.progress('Waiting for the person to finish', () => awaitAuthorization(api, started));
  if (output.format !== 'people') await output.document(progress, []);
  output.say(outcomeText(progress));
  if (progress.status !== 'completed') context.exitCode = exitCodes.personMustAct;
}

function bodyOf(options: AuthorizeOptions): Record<string, unknown> {
  return {
    subject: options.subject,
    subject_label: options.subjectLabel,
    account_id: options.account,
    scopes: options.scopes,
    login_hint: options.loginHint,
    expires_in: options.expiresIn,
  };
}

/** The link is data. If the outcome is the one document of a waiting command, the link is words. */
async function printLink({ output }: CommandContext, started: StartedAuthorization, waits: boolean): Promise<void> {
  const { authorization_url: link, expires_at: expiry } = started;
  if (output.format === 'people') {
    output.say(`Open this link in a browser; it ends ${relativeTime(expiry)}:`);
    output.raw(`${link}\n`);
  } else if (output.format === 'json' && waits) output.say(link);
  else await output.document(started, []);
}

function outcomeText(progress: AuthorizationProgress): string {
  const { status, connection_name: name, account_name: account, account_id: id, status_reason: reason } = progress;
  if (status === 'completed') {
    const label = account ?? id;
    return cleanText(`Connected ${name}${label === null ? '' : ` as ${label}`}.`);
  }
  const error = [reason, progress.error, progress.error_description].filter((part) => part !== null).join(', ');
  return cleanText(
    `Not connected: ${status}${error === '' ? '' : ` (${error})`}. Start again with token-broker authorize ${name}`,
  );
}
