import { isBrokerError } from '../domain/errors.ts';

/**
 * Runs the write that stores the tokens of a code exchange, and repeats it while the database refuses it: the code is
 * spent, so the tokens cannot be obtained again. Resolves with undefined when the caller has waited long enough; the
 * write then goes on in the background. `onGivenUp` runs if it never succeeds.
 */
export type StoreObtained = <T>(write: () => Promise<T>, options: StoreObtainedOptions) => Promise<T | undefined>;

export interface StoreObtainedOptions {
  /** Checks whether the write itself refuses the tokens. A repetition would reach the same refusal. */
  isRefusal: (error: unknown) => boolean;
  onGivenUp: () => Promise<void>;
}

export interface StoreObtainedDeps {
  /** Rejects when the process ends. */
  sleep: (ms: number) => Promise<void>;
  onError: (error: unknown) => void;
}

const firstPauseMs = 200;
const longestPauseMs = 2_000;
/** Time in milliseconds that a person waits for the page. After it, a page asks to reload. */
const patienceMs = 10_000;
/** Number of tries, about ten minutes. Later a person has given up and opened a new link. */
const maxTries = 300;

export function createStoreObtained({ sleep, onError }: StoreObtainedDeps): StoreObtained {
  return async (write, { isRefusal, onGivenUp }) => {
    const isFinal = (error: unknown) =>
      isRefusal(error) || (isBrokerError(error) && !isBrokerError(error, 'service_unavailable'));
    try {
      return await write();
    } catch (error) {
      if (isFinal(error)) throw error;
      onError(error);
    }
    const stored = repeat(write, isFinal);
    let isCallerGone = false;
    const waited = sleep(patienceMs).then(() => {
      isCallerGone = true;
      return undefined;
    });
    waited.catch(() => undefined);
    stored.catch((error: unknown) => {
      if (!isCallerGone) return;
      onError(error);
      return onGivenUp().catch(onError);
    });
    return Promise.race([stored, waited]);
  };

  async function repeat<T>(write: () => Promise<T>, isFinal: (error: unknown) => boolean): Promise<T> {
    let pauseMs = firstPauseMs;
    for (let tries = 1; ; tries += 1) {
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      try {
        return await write();
      } catch (error) {
        if (isFinal(error) || tries >= maxTries) throw error;
      }
    }
  }
}
