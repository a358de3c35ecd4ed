/** What all transports agree on, so that a producer feels the same backpressure everywhere. */

/**
 * `send` answers false while more than this is buffered, in bytes.
 * Trade-off: higher hides longer stalls of the receiver; lower holds less memory per slow connection, and less that the garbage
 * collector has to look after (`bench/README.md`).
 */
export const BUFFERED_HIGH = 256 * 1024;

/** How long a closing connection may take to send the rest and hear the other side agree, in milliseconds. */
export const CLOSE_MS_MAX = 5_000;

export function byteLength(data: Uint8Array | string): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
}
