import process from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { CommandFailure, exitCodes } from '../exit-codes.ts';

/** Questions to a person. They need a terminal, and each has a flag that answers it without one. */
export interface Prompts {
  /** Whether a person can answer: input and words are on a terminal. */
  readonly isInteractive: boolean;
  /** Asks for the name of what a destructive command ends. `--yes` answers. Throws if the person declines. */
  confirmName(name: string, question: string): Promise<void>;
  /** Reads a secret without showing it. */
  secret(question: string, flag: string): Promise<string>;
  text(question: string, flag: string, initial?: string): Promise<string>;
  /** Shows that work is going on, on a terminal only. `update` replaces the words. */
  progress<T>(words: string, work: (update: (words: string) => void) => Promise<T>): Promise<T>;
}

export interface Terminal {
  stdin: Readable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean };
}

export function createPrompts({ stdin, stderr }: Terminal, saysYes: () => boolean): Prompts {
  const isInteractive = stdin.isTTY === true && stderr.isTTY === true;
  const streams = { input: stdin, output: stderr };
  const required = (value: string | undefined) =>
    value === undefined || value === '' ? 'A value is needed.' : undefined;
  const requireTerminal = (flag: string) => {
    if (!isInteractive) throw new CommandFailure(`No terminal to ask on. Give ${flag}.`, exitCodes.usage);
  };
  return {
    isInteractive,
    async confirmName(name, question) {
      if (saysYes()) return;
      requireTerminal('--yes');
      const { text } = await import('@clack/prompts');
      const answer = answered(await text({ ...streams, message: question, placeholder: name }));
      if (answer.trim() !== name) throw new CommandFailure(`The name is not ${name}. Nothing was changed.`);
    },
    async secret(question, flag) {
      requireTerminal(flag);
      const { password } = await import('@clack/prompts');
      return answered(await password({ ...streams, message: question, validate: required })).trim();
    },
    async text(question, flag, initial) {
      requireTerminal(flag);
      const { text } = await import('@clack/prompts');
      const options = initial === undefined ? {} : { initialValue: initial };
      return answered(await text({ ...streams, ...options, message: question, validate: required })).trim();
    },
    async progress(words, work) {
      if (stderr.isTTY !== true) return work(() => {});
      const { spinner } = await import('@clack/prompts');
      const shown = spinner({ output: stderr });
      const restoreEnds = endWithSignalCodes();
      shown.start(words);
      try {
        return await work((next) => shown.message(next));
      } finally {
        shown.clear();
        restoreEnds();
      }
    },
  };
}

/** The spinner's package holds back signals, and ends with 0 at Ctrl-C. A shell expects 128 and the signal's number. */
function endWithSignalCodes(): () => void {
  const onExit = () => {
    process.exitCode ||= 130;
  };
  const onInterrupt = () => process.exit(130);
  const onTerminate = () => process.exit(143);
  process.on('exit', onExit).on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  return () => process.off('exit', onExit).off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
}

/** Ctrl-C at a prompt answers with a symbol. */
function answered(answer: string | symbol | undefined): string {
  if (typeof answer === 'symbol') throw new CommandFailure('Cancelled. Nothing was changed.');
  return answer ?? '';
}
