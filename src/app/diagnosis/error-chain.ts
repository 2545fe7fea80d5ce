export interface ErrorFacts {
  code: string;
  message: string;
  syscall: string;
}

/** Depth of causes below an error. Ends chains that form a cycle. */
const maxDepth = 5;

/** Returns the error with its causes, the innermost first: the error of the driver says most. */
export function errorChain(error: unknown): ErrorFacts[] {
  const chain: ErrorFacts[] = [];
  for (let current = error; current instanceof Error && chain.length < maxDepth; current = current.cause) {
    chain.unshift({ code: textOf(current, 'code'), message: current.message, syscall: textOf(current, 'syscall') });
  }
  return chain;
}

function textOf(error: Error, member: 'code' | 'syscall'): string {
  const value = member in error ? (error as Error & Record<string, unknown>)[member] : undefined;
  return typeof value === 'string' ? value : '';
}
