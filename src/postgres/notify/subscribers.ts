import type { Channel, Notifications, NotifyLocally } from './channels.ts';

type Handler = (payload: never) => void;

export interface Subscribers {
  /** Returns true for the first handler of a channel. */
  add<C extends Channel>(channel: C, handler: (payload: Notifications[C]) => void): boolean;
  channels(): string[];
  notifyLocally: NotifyLocally;
  /** Parses a payload from the wire and calls the handlers. Ignores channels without a handler. */
  notifyText(channel: string, text: string): void;
}

/** Keeps the handlers of each channel. An error of one handler does not stop the others. */
export function createSubscribers(onError: (error: unknown) => void): Subscribers {
  const handlers = new Map<string, Handler[]>();

  function notify(channel: string, payload: () => unknown): void {
    for (const handler of handlers.get(channel) ?? []) {
      try {
        handler(payload() as never);
      } catch (error) {
        onError(error);
      }
    }
  }

  return {
    add(channel, handler) {
      const existing = handlers.get(channel);
      if (existing === undefined) handlers.set(channel, [handler as Handler]);
      else existing.push(handler as Handler);
      return existing === undefined;
    },
    channels: () => [...handlers.keys()],
    notifyLocally: (channel, payload) => notify(channel, () => payload),
    notifyText: (channel, text) => notify(channel, () => JSON.parse(text)),
  };
}
