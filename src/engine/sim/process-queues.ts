/** The queues of one simulated process: who waits for their answers, and what they ask of the disk. */
import type { TaskId } from '../core/base/ids.ts';
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { problem } from '../core/base/problems.ts';
import type { WantedByQueues } from '../core/node/effects.ts';
import type { QueuesInput } from '../core/queues/effects.ts';
import type { QueueCommand, QueueReply } from '../core/queues/messages.ts';
import type { RunEffect } from './functions.ts';
import { simPayload } from './payload.ts';
import type { SimQueueDisk } from './queue-disk.ts';

type Hear = (outcome: Outcome<QueueReply> | undefined) => void;

export interface ProcessQueuesParts {
  readonly disk: SimQueueDisk;
  /** Calls `then` when the process has time to hear something. */
  readonly hear: (then: () => void) => void;
  /** Gives the node something, now. */
  readonly step: (input: QueuesInput) => void;
  /** Somebody asks from afar: by a call of a function `mpreg.queue.*`, which every node has. */
  readonly asked: (run: RunEffect, command: QueueCommand) => void;
  readonly answered: (command: QueueCommand, outcome: Outcome<QueueReply>) => void;
  readonly ran: (task: TaskId, outcome: Outcome<Payload>) => void;
}

const OF_QUEUES = 'mpreg.queue.';

export class ProcessQueues {
  readonly #parts: ProcessQueuesParts;
  readonly #askers = new Map<number, Hear>();
  /** The requests of calls from afar that receive. */
  readonly #receives = new Map<TaskId, number>();
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

  /** Carries out a call of a node's own functions; false where it is none of queues. */
  run(run: RunEffect): boolean {
    if (!run.fun.startsWith(OF_QUEUES)) return false;
    const given = run.payload.value();
    const { command } = (given.ok ? (given.value as Called).args[0] : {}) as { readonly command: QueueCommand };
    const { answered, asked, ran } = this.#parts;
    asked(run, command);
    let isAnswered = false;
    const request = this.ask(command, (outcome) => {
      isAnswered = true;
      this.#receives.delete(run.task);
      if (outcome === undefined) return;
      answered(command, outcome);
      ran(run.task, outcome.ok ? done(simPayload(outcome.value)) : outcome);
    });
    if (command.kind === 'receive' && !isAnswered) this.#receives.set(run.task, request);
    return true;
  }

  /** A call from afar was taken back: then nothing is received. What else was asked goes on to its end. */
  abort(task: TaskId): void {
    const request = this.#receives.get(task);
    if (request === undefined || !this.#receives.delete(task) || !this.cancel(request)) return;
    this.#parts.ran(task, failed(problem('cancelled', 'the receive was taken back')));
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

interface Called {
  readonly args: readonly unknown[];
}
