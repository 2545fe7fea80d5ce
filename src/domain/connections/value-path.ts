/** Dotted member names that locate a value in a token or probe response. `a.b|c` uses the first alternative present. */
export type ValuePath = string;
