import { expect, test, vi } from 'vitest';
import { QueuesHost } from '../../../src/engine/host/queues/queues-host.ts';
import { MemoryQueues } from '../../../src/engine/host/stores/memory-queues.ts';
import { problemError } from '../../../src/engine/problem-error.ts';
import { soon } from '../../soon.ts';

/** A disk that cannot be read the first time. */
class Flaky extends MemoryQueues {
  asked = 0;

  override async load(...ask: Parameters<MemoryQueues['load']>) {
    this.asked++;
    if (this.asked === 1) throw problemError('store-failed', 'disk I/O error');
    return super.load(...ask);
  }
}

test('a queue that could not be read for a moment gets what it asked for, and the failure is told', async () => {
  const store = new Flaky();
  const lines: string[] = [];
  const input = vi.fn();
  const host = new QueuesHost({ input, log: (_, text) => lines.push(text), store, wallClock: () => 0 });
  host.carryOut({ ask: { after: { rank: 0, seq: 0 }, limit: 10, what: 'ready' }, kind: 'load', load: 7, queue: 1 });
  await vi.waitFor(
    () => expect(input).toHaveBeenCalledWith({ kind: 'loaded', load: 7, loaded: { messages: [] } }),
    soon,
  );
  expect(lines).toEqual(['the store of queues refused: disk I/O error']);
  await host.close();
});
