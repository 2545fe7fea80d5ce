const hidden = '[secret]';
const inspect = Symbol.for('nodejs.util.inspect.custom');

/** Holds a value that prints as `[secret]` everywhere. Only `reveal()` returns the value. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspect](): string {
    return hidden;
  }
}
