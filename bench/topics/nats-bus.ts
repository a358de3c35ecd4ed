import { connect, type Payload } from '@nats-io/transport-node';
import type { Bus, Shape } from './bus.ts';

export async function natsBus(url: string, shape: Shape): Promise<Bus> {
  const connection = await connect({ servers: url });
  return {
    close: () => connection.close(),
    publish: (topic, payload) =>
      connection.publish(topic, shape === 'bytes' ? (payload as Payload) : JSON.stringify(payload)),
    room: () => Promise.resolve(),
    subscribe: async (topic, hear) => {
      connection.subscribe(topic, {
        callback: (error, message) => {
          if (error) throw error;
          hear(shape === 'bytes' ? message.data : message.json());
        },
      });
      await connection.flush();
    },
  };
}
