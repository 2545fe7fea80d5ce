/** Encrypts a text to a public key. */
export type Seal = (text: string) => Promise<string>;
/** Decrypts what a Seal of the same kind of key made. Throws if the key is another one, or the text was changed. */
export type Open = (sealed: string) => Promise<string>;
