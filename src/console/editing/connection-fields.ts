import { flows, tokenAuthMethods } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { fieldsOf, type TemplateField } from '../../domain/connections/template-fields.ts';
import { html, type Markup } from '../../markup/html.ts';
import { checkboxField, type FieldPart, selectField, textArea, textField } from './form-parts.ts';
import { type FieldFaults, type FormValues, variableField } from './form-values.ts';
import { settingFields } from './setting-fields.ts';

/** Everything that a field of a connection is written from. */
export interface FormContext {
  template: ProviderTemplate;
  templates: readonly ProviderTemplate[];
  values: FormValues;
  faults: FieldFaults;
}

type Key = keyof typeof settingFields;
type Write = (context: FormContext, part: FieldPart) => Markup;

export const flowWords = {
  authorization_code: 'A person connects in a browser (authorization_code)',
  client_credentials: 'The client connects by itself (client_credentials)',
  refresh_token: 'Tokens are imported (refresh_token)',
} as const satisfies Record<(typeof flows)[number], string>;

/** Writes the field of each setting. A setting without a field does not compile. */
const writers: Record<Key, Write> = {
  provider: ({ templates, values }, part) =>
    selectField({ ...part, label: 'Provider template', choices: templateChoices(templates, values.provider ?? '') }),
  flow: ({ template }, part) =>
    selectField({
      ...part,
      label: 'Flow',
      choices: flows
        .filter((flow) => template.flows.includes(flow) || flow === part.value)
        .map((flow) => ({ value: flow, label: flowWords[flow] })),
    }),
  clientId: (_, part) => textField({ ...part, label: 'Client ID', help: 'The provider issued it.', required: true }),
  authorizationUrl: urlField('Authorization URL', ({ authorizationUrl }) => authorizationUrl),
  tokenUrl: urlField('Token URL', ({ tokenUrl }) => tokenUrl),
  revocationUrl: urlField('Revocation URL', ({ revocation }) => revocation?.url ?? null),
  testUrl: urlField('Test URL', ({ test }) => test?.url ?? null),
  tokenAuthMethod: ({ template }, part) =>
    selectField({
      ...part,
      label: 'Client authentication',
      help: 'How the client proves itself at the token endpoint.',
      choices: [
        { value: '', label: `as the template says (${template.tokenAuthMethod})` },
        ...tokenAuthMethods.map((method) => ({ value: method, label: method })),
      ],
    }),
  scopes: (_, part) =>
    textArea({
      ...part,
      label: 'Scopes',
      help: 'Separated by spaces, commas or line ends. Without any, the provider chooses.',
    }),
  authorizeParams: parameterArea('Parameters of the authorization request', 'prompt=consent'),
  tokenParams: parameterArea('Parameters of the token request', 'audience=https://api.example.com'),
  multiAccount: (_, part) => checkboxField({ ...part, label: 'A subject may hold several accounts of the provider' }),
  shareWithOrganizations: (_, part) =>
    checkboxField({
      ...part,
      label: 'Organisations without a grant of their own use the shared grant',
      help: 'Has an effect on a global connection only.',
    }),
  allowImport: (_, part) =>
    checkboxField({
      ...part,
      label: 'Organisations may import grants below this connection',
      help: 'Has an effect on a global connection only. Its client then redeems tokens that came from elsewhere.',
    }),
  pkce: ({ template }, part) =>
    selectField({
      ...part,
      label: 'PKCE',
      help: 'Protects the authorization code. Switch it off only for a provider that refuses it.',
      choices: [
        { value: '', label: `as the template says (${template.pkce ? 'on' : 'off'})` },
        { value: 'true', label: 'on' },
        { value: 'false', label: 'off' },
      ],
    }),
  terminalErrors: (_, part) =>
    textArea({
      ...part,
      label: 'Error codes that end a grant',
      help: 'One a line, besides invalid_grant and those of the template.',
    }),
  errorPath: (_, part) =>
    textField({
      ...part,
      label: 'Location of the error code in a response',
      help: 'Member names joined by dots, such as error.code. Empty: as the template says.',
    }),
  description: (_, part) => textArea({ ...part, label: 'Description', help: 'For the people who read this later.' }),
  managedBy: (_, part) =>
    textField({
      ...part,
      label: 'Kept in the file',
      help: 'Name of the connections file that this connection is kept in. Empty: it is kept by hand.',
    }),
};

/** Settings that every form shows first, in this order. All others stand below "Advanced". */
const firstKeys = (template: ProviderTemplate, flow: string): Key[] => {
  const needed = fieldsOf(template).map(({ name }) => name);
  const urls = (['authorizationUrl', 'tokenUrl'] as const).filter((key) => needed.includes(settingFields[key].name));
  return [...(template.flows.length > 1 || flow !== template.flows[0] ? (['flow'] as const) : []), ...urls];
};

/** Fields that this template needs. `secret` stands after the client id. */
export function neededFields(context: FormContext, secret: Markup): Markup {
  const { template, values } = context;
  const first = firstKeys(template, values.oauth_flow_type ?? '');
  const variables = fieldsOf(template).filter(({ name }) => name.startsWith('variables.'));
  return html`${first.map((key) => fieldOf(key, context))}
${variables.map((field) => variableOf(field, context))}
${fieldOf('clientId', context)}
${secret}
${fieldOf('scopes', context)}`;
}

export interface AdvancedOptions {
  /** Settings that the page shows elsewhere. */
  without: readonly Key[];
  /** Field for a private key, beside the choice of the client authentication. */
  key: Markup;
  isKeyAtFault: boolean;
}

/** Fields that few connections need. They open by themselves if one of them has a fault. */
export function advancedFields(context: FormContext, { without, key: keyArea, isKeyAtFault }: AdvancedOptions): Markup {
  const { template, values, faults } = context;
  const shown: Key[] = [...firstKeys(template, values.oauth_flow_type ?? ''), 'clientId', 'scopes', ...without];
  const keys = (Object.keys(settingFields) as Key[]).filter((key) => !shown.includes(key));
  const isOpen = isKeyAtFault || keys.some((key) => faults[settingFields[key].name] !== undefined);
  return html`<details class="advanced"${isOpen ? html` open` : null}><summary>Advanced</summary>
${keys.map((key) => html`${fieldOf(key, context)}${key === 'tokenAuthMethod' ? keyArea : null}\n`)}</details>`;
}

export function providerField(context: FormContext): Markup {
  return fieldOf('provider', context);
}

function fieldOf(key: Key, context: FormContext): Markup {
  const { name } = settingFields[key];
  const fault = context.faults[name];
  return writers[key](context, { name, label: name, value: context.values[name] ?? '', fault });
}

function variableOf({ name, required, description, pattern, default: preset }: TemplateField, context: FormContext) {
  const { values, faults } = context;
  const variable = name.slice(variableField('').length);
  return textField({
    name,
    label: `Variable ${variable}`,
    value: values[name] ?? '',
    placeholder: preset,
    required,
    fault: faults[name],
    help: html`${description}${preset ? html` Empty: <code>${preset}</code>.` : null}${
      pattern === null ? null : html` Pattern: <code>${pattern}</code>`
    }`,
  });
}

function urlField(label: string, presetOf: (template: ProviderTemplate) => string | null): Write {
  return ({ template }, part) => {
    const preset = presetOf(template);
    const help = preset === null ? null : html`Empty: <code>${preset}</code>, as the template says.`;
    const isNeeded = preset === null && fieldsOf(template).some(({ name, required }) => required && name === part.name);
    return textField({ ...part, label, help, placeholder: preset ?? 'https://', required: isNeeded });
  };
}

function parameterArea(label: string, example: string): Write {
  return (_, part) =>
    textArea({ ...part, label, help: html`One <code>name=value</code> a line, such as <code>${example}</code>.` });
}

/** Keeps a value that is no id of the list, such as another id of a template. */
function templateChoices(templates: readonly ProviderTemplate[], value: string) {
  const choices = templates.map(({ id, displayName }) => ({ value: id, label: displayName }));
  return choices.some((choice) => choice.value === value) ? choices : [{ value, label: value }, ...choices];
}
