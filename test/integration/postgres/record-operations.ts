/** Returns the operations of a store, and notes in `called` which of them the test has used. */
export function record<T extends object>(store: string, operations: T, called: Map<string, boolean>): T {
  const nameOf = (operation: string | symbol) => `${store}.${String(operation)}`;
  for (const operation of Object.keys(operations)) {
    if (!called.has(nameOf(operation))) called.set(nameOf(operation), false);
  }
  return new Proxy(operations, {
    get(target, operation, receiver) {
      called.set(nameOf(operation), true);
      return Reflect.get(target, operation, receiver);
    },
  });
}
