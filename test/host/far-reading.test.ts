import { expect, it } from 'vitest';
import type { CallOptions } from '../../src/engine/api.ts';
import { ItemQueue } from '../../src/engine/host/item-queue.ts';
import { type FarLink, readFar } from '../../src/engine/host/topics/far-reading.ts';
import type { Sink } from '../../src/engine/host/topics/link-topics.ts';

/** A hub on whose streams nothing comes after the first word. */
class QuietHub implements FarLink {
  readonly connected = true;
  open = 0;

  stream(_: string, __: readonly unknown[], { signal }: CallOptions = {}): AsyncIterable<unknown> {
    this.open++;
    const end = () => {
      this.open--;
    };
    const items = new ItemQueue<unknown>(end);
    items.push({ keep: 'one', next: 1 });
    signal?.addEventListener('abort', () => {
      end();
      items.end();
    });
    return items;
  }
}

const nobody: Sink = {
  ended: () => undefined,
  message: () => undefined,
  missed: () => undefined,
  ready: () => undefined,
};

it('who reads no more of another cluster leaves no stream open, though nothing comes on it', async () => {
  const hub = new QuietHub();
  const begun = Promise.withResolvers<void>();
  const reading = readFar(hub, 'red', { from: 1, patterns: ['sale.#'] }, { ...nobody, reading: () => begun.resolve() });
  await begun.promise;
  expect(hub.open).toBe(1);
  reading.stop();
  expect(hub.open).toBe(0);
});
