import { connect } from '../../src/engine/index.ts';
import type { Bus } from './bus.ts';

/**
 * A client of a node. What it publishes is not confirmed one by one, as with the peer; who publishes faster than is taken is held
 * (`block`). `far`: publishers on another node, who cannot be, so that there must be room for all that is on its way.
 */
export async function mpregBus(url: string, far: boolean): Promise<Bus> {
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
        everywhere: true,
        ...(far && { bytesMax: 64 * 1024 * 1024, messagesMax: 100_000 }),
        onMessage: ({ payload }) => hear(payload),
        policy: 'block',
      });
    },
  };
}

const UNCONFIRMED = { confirm: false } as const;
