/** Client of one key in a key service. `context` is bound into the result. Both calls throw KeyFailure. */
export interface KeyService {
  wrap(key: Uint8Array, context: Uint8Array): Promise<Uint8Array>;
  unwrap(wrapped: Uint8Array, context: Uint8Array): Promise<Uint8Array>;
}
