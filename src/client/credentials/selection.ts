import type { Query } from '../transport/request-url.ts';

/** Workflow that a token is for. Its name is for people. */
export interface WorkflowOption {
  id: string;
  name?: string | undefined;
}

/** Options that select a credential. */
export interface SelectionOptions {
  /** Your own id of the person; without it the grant without a person is meant. */
  subject?: string | null | undefined;
  /** The provider's id of the account, if the subject has several. */
  accountId?: string | null | undefined;
  /** Seconds for which the token must remain valid. */
  minTtl?: number | undefined;
  /** Scopes that the grant must have. */
  scopes?: readonly string[] | undefined;
  /** Id of the workflow, or its id and name. The broker registers the dependency and refuses disabled workflows. */
  workflow?: string | WorkflowOption | undefined;
}

export interface CredentialOptions extends SelectionOptions {
  /** Ends the waiting of this call. */
  signal?: AbortSignal | undefined;
}

/** Checked selection of a credential. */
export interface Selection {
  name: string;
  subject: string | undefined;
  accountId: string | undefined;
  minTtlSeconds: number;
  scopes: readonly string[];
  workflow: WorkflowOption | undefined;
}

const known = [
  'subject',
  'accountId',
  'minTtl',
  'scopes',
  'workflow',
  'signal',
] as const satisfies readonly (keyof CredentialOptions)[];

/**
 * Checks the options. Refuses unknown ones and empty text: a misspelt or lost subject would otherwise select the token of
 * another person.
 */
export function readSelection(name: string, options: CredentialOptions): Selection {
  for (const option of Object.keys(options)) {
    if (!known.some((one) => one === option)) throw new TypeError(`${option} is not an option: ${known.join(', ')}`);
  }
  const { minTtl = 0, scopes = [], workflow } = options;
  if (!Number.isInteger(minTtl) || minTtl < 0) throw new TypeError('minTtl must be a whole number of seconds');
  return {
    name,
    subject: textOf('subject', options.subject),
    accountId: textOf('accountId', options.accountId),
    minTtlSeconds: minTtl,
    scopes: [...new Set(scopes)].toSorted(),
    workflow: typeof workflow === 'string' ? { id: workflow } : workflow,
  };
}

function textOf(option: string, value: string | null | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') throw new TypeError(`${option} must be a text that is not empty`);
  return value;
}

/** Key of everything that selects a token. The name of a workflow is for people and selects nothing. */
export function selectionKey(organization: string | undefined, selection: Selection): string {
  const { name, subject, accountId, minTtlSeconds, scopes, workflow } = selection;
  const parts = [organization, name, subject, accountId, minTtlSeconds, scopes, workflow?.id];
  return JSON.stringify(parts.map((part) => part ?? null));
}

export function toQuery({ subject, accountId, minTtlSeconds, scopes }: Selection): Query {
  return {
    subject,
    account_id: accountId,
    min_ttl: minTtlSeconds === 0 ? undefined : minTtlSeconds,
    scopes: scopes.length === 0 ? undefined : scopes,
  };
}

export function toHeaders({ workflow }: Selection): Record<string, string> {
  if (workflow === undefined) return {};
  const { id, name } = workflow;
  return { 'x-workflow-id': id, ...(name === undefined ? {} : { 'x-workflow-name': toByteString(name) }) };
}

/** Header values have one character for each byte: the broker reads the name as UTF-8. */
function toByteString(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
