import { env, stdout } from 'node:process';

const colours = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 };
type Colour = keyof typeof colours;

const isColourful = stdout.isTTY === true && env.NO_COLOR === undefined;

function paint(colour: Colour, text: string): string {
  return isColourful ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
}

export type Narrator = ReturnType<typeof createNarrator>;

/** Prints the output of the demo. `total` is the number of steps. */
export function createNarrator(total: number) {
  const started = Date.now();
  let step = 0;
  let isWaiting = false;

  function line(text = ''): void {
    if (isWaiting) stdout.write('\r\u001b[K');
    isWaiting = false;
    stdout.write(`${text}\n`);
  }

  return {
    line,
    title: (text: string) => line(paint('bold', text)),
    step(title: string): void {
      step += 1;
      line();
      line(`${paint('bold', `[${step}/${total}] ${title}`)} ${paint('dim', elapsed(started))}`);
    },
    /** Prints a call as a shell command. */
    command: (text: string) => line(`  ${paint('cyan', `$ ${text}`)}`),
    response: (text: string) => line(paint('dim', indent(text))),
    fact: (text: string) => line(`  ${paint('green', '✓')} ${text}`),
    note: (text: string) => line(`  ${text}`),
    failure: (text: string) => line(`\n${paint('red', '✗')} ${text}`),
    success: (text: string) =>
      line(`\n${paint('green', '✓')} ${paint('bold', text)} ${paint('dim', elapsed(started))}`),
    /** Shows progress while `work` runs: a line that counts seconds on a terminal, a fixed line elsewhere. */
    async wait<T>(what: string, work: Promise<T>): Promise<T> {
      if (stdout.isTTY !== true) {
        line(`  … ${what}`);
        return work;
      }
      const waitingSince = Date.now();
      const draw = () => {
        isWaiting = true;
        stdout.write(`\r\u001b[K  ${paint('dim', `… ${what} ${elapsed(waitingSince)}`)}`);
      };
      draw();
      const timer = setInterval(draw, 200);
      try {
        return await work;
      } finally {
        clearInterval(timer);
        if (isWaiting) stdout.write('\r\u001b[K');
        isWaiting = false;
      }
    },
  };
}

function elapsed(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((row) => `    ${row}`)
    .join('\n');
}

/** Shows enough of a token to distinguish it from others, but too little to use it. */
export function abbreviate(secret: string): string {
  return `${secret.slice(0, 6)}…`;
}
