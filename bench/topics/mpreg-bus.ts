import { connect } from '../../src/engine/index.ts';
import type { Bus } from './bus.ts';

/** A client of a node. What it publishes is not confirmed one by one, as with the peer. */
export async function mpregBus(url: string): Promise<Bus> {
  const client = await connect({ urls: [url] });
  let last: Promise<unknown> = Promise.resolve();
  return {
    close: () => client.close(),
    publish: (topic, payload) => {
      last = client.publish(topic, payload, UNCONFIRMED);
    },
    room: async () => void (await last),
    subscribe: async (topic, hear) => {
      await client.subscribe(topic, {
        bytesMax: 64 * 1024 * 1024,
        everywhere: true,
        messagesMax: 100_000,
        onMessage: ({ payload }) => hear(payload),
        policy: 'block',
      });
    },
  };
}

const UNCONFIRMED = { confirm: false } as const;
