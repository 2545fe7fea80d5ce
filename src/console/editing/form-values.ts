import { z } from 'zod';
import type { ConnectionSettings } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { BrokerError, type Fault, invalidRequest, isBrokerError } from '../../domain/errors.ts';
import type { ConnectionBody } from './connection-input.ts';
import { type SettingField, settingFields } from './setting-fields.ts';

/** Texts of a form by field name. A variable is `variables.NAME`. Holds no secret. */
export type FormValues = Readonly<Record<string, string>>;

/** A form as it was sent: its texts, which may hold anything. */
export const sentForm = z.record(
  z.string(),
  z.string().transform((value) => value.replaceAll('\r\n', '\n')),
);
export type SentForm = z.output<typeof sentForm>;

const variablePrefix = 'variables.';
// Each field is used with the value of its own setting only, which the compiler cannot follow through a list.
const fields = Object.entries(settingFields) as [keyof typeof settingFields, SettingField<unknown>][];

/** Names of the fields of a form, without variables. */
export const fieldNames: readonly string[] = fields.map(([, { name }]) => name);

export const variableField = (name: string) => `${variablePrefix}${name}`;

/** Texts that show the settings of a connection. A browser sends back every line end as it sends any other. */
export function valuesOf(settings: ConnectionSettings): FormValues {
  return {
    ...Object.fromEntries(fields.map(([key, { name, show }]) => [name, plainLines(show(settings[key]))])),
    ...Object.fromEntries(Object.entries(settings.variables).map(([name, value]) => [variableField(name), value])),
  };
}

/** Texts of a new connection: what the API takes if a member is absent. */
export function defaultValues(template: ProviderTemplate): FormValues {
  return {
    ...Object.fromEntries(fieldNames.map((name) => [name, ''])),
    oauth_flow_type: 'authorization_code',
    scopes: template.defaultScopes.join(' '),
    share_with_organizations: 'on',
  };
}

/**
 * Takes the settings out of a sent form. Whatever else it holds, such as a secret, stays behind, and so do variables of
 * another template than the chosen one.
 */
export function valuesIn(form: SentForm, template: Pick<ProviderTemplate, 'variables'>): FormValues {
  const known = Object.keys(template.variables).map(variableField);
  const variables = Object.entries(form).filter(([name]) => known.includes(name));
  return {
    ...Object.fromEntries(fieldNames.map((name) => [name, form[name] ?? ''])),
    ...Object.fromEntries(variables.map(([name, value]) => [name, value.trim()])),
  };
}

/**
 * Writes the body that turns `base` into `values`: a JSON merge patch with the members whose text differs. An unchanged
 * text is never read, so a form that is sent as it was shown changes nothing. Throws invalid_request.
 */
export function bodyOf(base: FormValues, values: FormValues): ConnectionBody {
  const changed = fields.map(([, field]) => field).filter(({ name }) => (base[name] ?? '') !== (values[name] ?? ''));
  const read = readAll(changed, base, values);
  const variables = mapPatch(variablesIn(base), variablesIn(values));
  return { ...read, ...(Object.keys(variables).length > 0 && { variables }) };
}

function readAll(changed: readonly SettingField<unknown>[], base: FormValues, values: FormValues): ConnectionBody {
  const faults: Fault[] = [];
  const members = changed.map(({ name, read, isMap }): [string, unknown] => {
    try {
      const value = read(values[name] ?? '');
      return [name, isMap ? mapPatch(asMap(read(base[name] ?? '')), asMap(value)) : value];
    } catch (error) {
      if (!isBrokerError(error, 'invalid_request')) throw error;
      faults.push(...error.details.errors);
      return [name, null];
    }
  });
  const [first, ...others] = faults;
  if (first !== undefined) throw invalidRequest(first, ...others);
  return Object.fromEntries(members);
}

/** HTML sends line ends as CRLF, whatever the page had. */
function plainLines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

const asMap = (value: unknown) => value as Record<string, string>;

/** Members to set, and null for each one to remove. */
function mapPatch(base: Record<string, string>, values: Record<string, string>): Record<string, string | null> {
  const removed = Object.keys(base).filter((name) => !Object.hasOwn(values, name));
  const set = Object.entries(values).filter(([name, value]) => !Object.hasOwn(base, name) || base[name] !== value);
  return { ...Object.fromEntries(removed.map((name) => [name, null])), ...Object.fromEntries(set) };
}

/** Variables that have a value. An empty text leaves the value to the template. */
function variablesIn(values: FormValues): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name, value]) => name.startsWith(variablePrefix) && value !== '')
      .map(([name, value]) => [name.slice(variablePrefix.length), value]),
  );
}

/** Faults by field. A fault of a member that no field shows stands under the empty name. */
export type FieldFaults = Readonly<Record<string, string>>;

/** Sorts the faults of a refusal to the fields of the form. Rethrows any other error. */
export function faultsByField(error: unknown, shown: readonly string[]): FieldFaults {
  if (!isBrokerError(error, 'invalid_request')) throw error;
  const placed = error.details.errors.map(({ path, message }): [string, string] => {
    const field = [path, path.split('.', 1)[0] ?? ''].find((name) => shown.includes(name));
    const detail = field === path ? message : `${path} ${message}`;
    return [field ?? '', detail];
  });
  return Object.fromEntries(
    [...Map.groupBy(placed, ([field]) => field)].map(([field, group]) => [
      field,
      group.map(([, message]) => message).join('; '),
    ]),
  );
}

/** Reads texts that a hidden field of the page brought back. Throws invalid_request. */
export function valuesFrom(json: string | undefined): FormValues {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(json ?? ''));
  } catch (error) {
    throw BrokerError.with(
      'invalid_request',
      'The form is not complete. Open it again.',
      { errors: [{ path: 'base', message: 'is missing or damaged: open the form again' }] },
      error,
    );
  }
}
