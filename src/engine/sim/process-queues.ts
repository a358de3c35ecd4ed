/** The queues of one simulated process: who waits for their answers, and what they ask of the disk. */
import type { Outcome } from '../core/base/outcome.ts';
import type { WantedByQueues } from '../core/node/effects.ts';
import type { QueuesInput } from '../core/queues/effects.ts';
import type { QueueCommand, QueueReply } from '../core/queues/messages.ts';
import type { SimQueueDisk } from './queue-disk.ts';

type Hear = (outcome: Outcome<QueueReply> | undefined) => void;

export interface ProcessQueuesParts {
  readonly disk: SimQueueDisk;
  /** Calls `then` when the process has time to hear something. */
  readonly hear: (then: () => void) => void;
  /** Gives the node something, now. */
  readonly step: (input: QueuesInput) => void;
}

export class ProcessQueues {
  readonly #parts: ProcessQueuesParts;
  readonly #askers = new Map<number, Hear>();
  #requests = 0;
  /** Counts up when the disk refuses: leases that were not stored are over then. */
  life = 0;

  constructor(parts: ProcessQueuesParts) {
    this.#parts = parts;
  }

  ask(command: QueueCommand, then: Hear): number {
    const request = ++this.#requests;
    this.#askers.set(request, then);
    this.#give({ command, kind: 'ask', request });
    return request;
  }

  /** True where nobody had answered. */
  cancel(request: number): boolean {
    if (!this.#askers.delete(request)) return false;
    this.#give({ kind: 'cancel', request });
    return true;
  }

  carryOut(effect: WantedByQueues): void {
    const { disk, hear, step } = this.#parts;
    switch (effect.kind) {
      case 'persist': {
        const { fence, writes } = effect;
        // Why it counts only when the process hears of it: until then, its leases are what they were.
        return disk.commit(writes, (why) =>
          hear(() => {
            if (why !== undefined) this.life++;
            step(why === undefined ? { fence, kind: 'persisted' } : { fence, kind: 'refused', problem: why });
          }),
        );
      }
      case 'load':
        return disk.load(effect.queue, effect.ask, (loaded) =>
          this.#give({ kind: 'loaded', load: effect.load, loaded }),
        );
      case 'reply': {
        const then = this.#askers.get(effect.request);
        this.#askers.delete(effect.request);
        return then?.(effect.outcome);
      }
    }
  }

  /** Nobody will be answered any more. */
  crash(): void {
    this.#parts.disk.crash();
    const askers = [...this.#askers.values()];
    this.#askers.clear();
    for (const then of askers) then(undefined);
  }

  #give(input: QueuesInput): void {
    this.#parts.hear(() => this.#parts.step(input));
  }
}
