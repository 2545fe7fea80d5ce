// A child process loads this module first. Its clock is then FAULT_CLOCK_OFFSET_MS ahead; timers are not affected.
const offsetMs = Number(process.env.FAULT_CLOCK_OFFSET_MS ?? 0);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...parts: ConstructorParameters<typeof Date> | []) {
    if (parts.length === 0) super(RealDate.now() + offsetMs);
    else super(...(parts as ConstructorParameters<typeof Date>));
  }

  static override now(): number {
    return RealDate.now() + offsetMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
