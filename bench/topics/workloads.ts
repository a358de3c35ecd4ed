import type { Shape } from './bus.ts';

/** Who says what to whom. */
export interface Workload {
  readonly shape: Shape;
  /** Of a payload in bytes; of objects, what they are is in `bus.ts`. */
  readonly size: number;
  readonly publishers: number;
  readonly subscribers: number;
  /** One node or server; or two, publishers at one and subscribers at the other. */
  readonly nodes: 1 | 2;
  /** Messages a second of all publishers together; 0: as many as get through. */
  readonly rate: number;
  /** Topics that a publisher speaks of in turns. Subscribers listen to all of them. */
  readonly topics: number;
}

const one: Workload = { nodes: 1, publishers: 1, rate: 0, shape: 'bytes', size: 64, subscribers: 1, topics: 1 };

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  '64 B': one,
  '16 B': { ...one, size: 16 },
  '1 KiB': { ...one, size: 1024 },
  '64 KiB': { ...one, size: 64 * 1024 },
  objects: { ...one, shape: 'object' },
  '100 topics': { ...one, topics: 100 },
  '1 to 50': { ...one, subscribers: 50 },
  '50 to 1': { ...one, publishers: 50 },
  'two nodes': { ...one, nodes: 2 },
  '50,000 a second': { ...one, rate: 50_000 },
};

/**
 * Messages that may be on their way between publishers and the slowest subscriber, the same for every side: a bound in the
 * benchmark itself, so that no side loses any, and neither is judged by how much it can buffer.
 */
export function windowOf({ size, shape }: Workload): number {
  return Math.min(50_000, Math.floor((32 * 1024 * 1024) / (shape === 'bytes' ? size : 64)));
}
