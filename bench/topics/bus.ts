/**
 * What both sides of the topics benchmark can do, as their users would do it: `mpreg-bus.ts`, `nats-bus.ts`. Nothing here
 * waits for a message to arrive; how many may be on their way, `roles.ts` decides for both sides alike.
 */

/** What a payload is: bytes of a size, which nobody encodes, or an object, encoded at one end and decoded at the other. */
export type Shape = 'bytes' | 'object';

export interface Bus {
  /** Says something on a topic, without waiting for it to arrive. */
  publish(topic: string, payload: unknown): void;
  /** Resolves when the client has room for more of what it was given. */
  room(): Promise<void>;
  /** Resolves when it is effective where it matters. */
  subscribe(topic: string, hear: (payload: unknown) => void): Promise<void>;
  close(): Promise<void>;
}

export interface Order {
  readonly id: string;
  readonly user: { readonly name: string; readonly age: number };
  readonly items: readonly number[];
  readonly paid: boolean;
  /** Its publisher's number, and which of its messages it is. */
  readonly by: number;
  readonly n: number;
}

export const orderOf = (by: number, n: number): Order => ({
  by,
  id: 'order-0042',
  items: [3, 1, 4, 1, 5],
  n,
  paid: true,
  user: { age: 36, name: 'ada' },
});
