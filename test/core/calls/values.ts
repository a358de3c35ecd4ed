import { done, failed } from '../../../src/engine/core/base/outcome.ts';
import type { Payload } from '../../../src/engine/core/base/payload.ts';
import { problem } from '../../../src/engine/core/base/problems.ts';

/** A payload that is its value, of no size. */
export function plain(value: unknown): Payload {
  return { bytes: () => new Uint8Array(), kept: () => plain(value), size: 0, value: () => done(value) };
}

/** A payload that takes as many bytes as its value would as JSON. */
export function sized(value: unknown): Payload {
  const text = JSON.stringify(value) ?? '';
  return { ...plain(value), bytes: () => new Uint8Array(text.length), size: text.length };
}

/** A payload of bytes that mean nothing. */
export function garbled(): Payload {
  return {
    bytes: () => new Uint8Array([0xc1]),
    kept: garbled,
    size: 1,
    value: () => failed(problem('value-undecodable', 'no value')),
  };
}

/** Milliseconds of work that this thread has done. Why not the clock's: other programs run on this machine, too. */
export function cpuMs(): number {
  const { system, user } = process.threadCpuUsage();
  return (system + user) / 1_000;
}
