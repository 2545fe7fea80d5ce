const hidden = '[secret]';
const inspect = Symbol.for('nodejs.util.inspect.custom');

/** A value that prints `[secret]` wherever it is printed by accident, and has to be revealed by name. */
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
