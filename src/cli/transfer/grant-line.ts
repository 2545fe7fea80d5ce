/** One grant in the lines of an import or export: the members of the API that this command line writes. */
export interface GrantLine {
  connection_name: string;
  organization_id?: string;
  subject?: string;
  account_id?: string;
  access_token?: string;
  refresh_token?: string;
  token_type?: string;
  expires_at?: string;
  token_response?: Readonly<Record<string, unknown>>;
  received_at?: string;
  scopes?: readonly string[];
  extra?: Readonly<Record<string, unknown>>;
}

/** Members that say which grant a line is about. */
export const slotMembers = ['connection_name', 'organization_id', 'subject', 'account_id'] as const;
