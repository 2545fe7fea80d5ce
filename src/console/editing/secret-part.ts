import { type TokenAuthMethod, tokenAuthMethods, usesKeyAuthentication } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { fieldsOf } from '../../domain/connections/template-fields.ts';
import { invalidRequest } from '../../domain/errors.ts';
import { html, type Markup } from '../../markup/html.ts';
import { keyField, secretField } from './form-parts.ts';
import type { FieldFaults, FormValues, SentForm } from './form-values.ts';

/** Name of the field for a private key, beside the one for a client secret. The API has one member for both. */
export const keyFieldName = 'client_key';

export interface SecretPart {
  template: ProviderTemplate;
  values: FormValues;
  faults: FieldFaults;
  /** Whether a secret was sent with the form before. No page repeats it. */
  wasSent: boolean;
  /** Whether the change needs it, although the template does not. */
  isRequired?: boolean;
}

/** Tells whether the client proves itself with a private key. */
export function needsKey(template: ProviderTemplate, values: FormValues): boolean {
  const chosen = tokenAuthMethods.find((method) => method === values.token_auth_method);
  const method: TokenAuthMethod = chosen ?? template.tokenAuthMethod;
  return usesKeyAuthentication(method);
}

/** The field for the secret. A private key has several lines, which a field of one line would lose. */
export function secretPart({ template, values, faults, wasSent, isRequired = false }: SecretPart): Markup {
  const field = fieldsOf(template).find(({ name }) => name === 'client_secret');
  const required = isRequired || (field?.required ?? false);
  const fault = faults.client_secret;
  const again = wasSent ? html`<strong>Type it again: no page repeats a secret.</strong> ` : null;
  if (needsKey(template, values)) {
    const help = html`${again}As PEM or JSON Web Key. For tls_client_auth: the certificates and their private key as PEM.`;
    return keyField({ name: 'client_secret', label: 'Private key of the client', help, fault, required: true });
  }
  const help = html`${again}${field?.description ?? 'This provider expects none.'}`;
  return secretField({ name: 'client_secret', label: 'Client secret', help, fault, required });
}

/** A field for a private key beside the choice of the method. Null if the main field is one already. */
export function keyPart({ template, values, faults }: SecretPart): Markup {
  if (needsKey(template, values)) return html``;
  return keyField({
    name: keyFieldName,
    label: 'Private key of the client',
    help: 'Instead of the client secret, for private_key_jwt, tls_client_auth and self_signed_tls_client_auth.',
    fault: faults[keyFieldName],
  });
}

/** Takes the secret out of a sent form; undefined if there is none. Throws invalid_request if there are two. */
export function secretIn(form: SentForm): string | undefined {
  const [secret, second] = [form.client_secret ?? '', form[keyFieldName] ?? ''].filter((text) => text.trim() !== '');
  if (second !== undefined)
    throw invalidRequest({ path: keyFieldName, message: 'must be empty if there is a client secret' });
  return secret;
}
