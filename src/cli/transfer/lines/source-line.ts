/** Reason why a line is refused here, before the broker reads it. */
export interface Refusal {
  code: string;
  errors: readonly { path: string; message: string }[];
}

/** One grant to import. */
export interface SourceLine {
  /** Number of the line in its file, or of the grant in its source, from 1. */
  line: number;
  /** Name of the grant in the system that it comes from; undefined for a file of lines. */
  from?: string | undefined;
  /** JSON of the line, or why it is not sent. */
  content: string | Refusal;
}

export const actions = ['created', 'replaced', 'unchanged', 'failed'] as const;
export type Action = (typeof actions)[number];

/** Result of one line, with the fields of the API and the number of the line in its own file. */
export interface LineResult {
  line: number;
  from?: string | undefined;
  action: Action;
  code: string | null;
  errors: readonly { path: string; message: string }[];
  grant_id: string | null;
}
