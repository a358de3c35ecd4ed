import type { Client } from '../engine/index.ts';

/**
 * Makes a function that waits for some work, or resolves with the reason why there is no use in waiting.
 *
 * Why not Promise.race with `client.closed`: that promise would remember every question of a day.
 */
export function untilGone(
  client: Client,
  signal: AbortSignal,
): <Value>(work: Promise<Value>) => Promise<Value | string> {
  let gone: string | undefined;
  let interrupt: (reason: string) => void = () => {};
  const end = (reason: string): void => {
    gone ??= reason;
    interrupt(reason);
  };
  void client.closed.then(end);
  if (signal.aborted) end('stopped');
  else signal.addEventListener('abort', () => end('stopped'), { once: true });
  return (work) =>
    new Promise((resolve, reject) => {
      interrupt = resolve;
      if (gone !== undefined) resolve(gone);
      work.then(resolve, reject);
    });
}

/** Resolves after a while, or as soon as the signal says so. */
export function after<Value>(ms: number, value: Value, signal?: AbortSignal): Promise<Value> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve(value);
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
