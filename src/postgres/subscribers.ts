import type { Channel, Deliver, Notifications } from './channels.ts';

type Handler = (payload: never) => void;

export interface Subscribers {
  /** True where nobody had asked for that channel before. */
  add<C extends Channel>(channel: C, handler: (payload: Notifications[C]) => void): boolean;
  channels(): string[];
  deliver: Deliver;
  /** As it came off the wire; of a channel that nobody asked for, nothing. */
  deliverText(channel: string, text: string): void;
}

/** Who is told of what. A handler that throws keeps nobody else from being told. */
export function createSubscribers(onError: (error: unknown) => void): Subscribers {
  const handlers = new Map<string, Handler[]>();

  function tell(channel: string, payload: () => unknown): void {
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
      const present = handlers.get(channel);
      if (present === undefined) handlers.set(channel, [handler as Handler]);
      else present.push(handler as Handler);
      return present === undefined;
    },
    channels: () => [...handlers.keys()],
    deliver: (channel, payload) => tell(channel, () => payload),
    deliverText: (channel, text) => tell(channel, () => JSON.parse(text)),
  };
}
