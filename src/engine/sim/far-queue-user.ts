/**
 * A client that uses a queue of another cluster: it asks the node that it is connected to, and the calls find their way over
 * hubs. It sends, receives, acknowledges, gives back; it knows no more of the queue than its name.
 *
 * What it asks goes with its call as a command, as a node's own functions would make it of their arguments.
 */
import type { Address } from '../core/base/ids.ts';
import type { Outcome } from '../core/base/outcome.ts';
import { Prng } from '../core/base/prng.ts';
import type { Message } from '../core/node/inputs.ts';
import type { Lease, QueueCommand, QueueReply } from '../core/queues/messages.ts';
import { SimConnection } from './connection.ts';
import type { Network } from './network.ts';
import { simPayload } from './payload.ts';
import { QUEUE } from './queue-users.ts';
import type { FarQueueTerms } from './scenario.ts';
import type { Timeline } from './timeline.ts';

/** One command, and what its asker was told. */
export interface FarAsk {
  readonly token: string;
  readonly place: number;
  readonly command: QueueCommand;
  /** It may be carried out more than once. */
  readonly idempotent: boolean;
  /** Undefined: not yet, or never, where its connection was lost. */
  outcome: Outcome<QueueReply> | undefined;
  open: boolean;
}

export interface FarQueueWatcher {
  farAsked(ask: FarAsk): void;
  farAnswered(ask: FarAsk): void;
}

export interface FarQueueParts {
  /** The node that it is connected to, and the machine that it runs on. */
  readonly place: number;
  readonly address: Address;
  readonly terms: FarQueueTerms;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly watcher: FarQueueWatcher;
}

export class FarQueueUser {
  readonly #parts: FarQueueParts;
  readonly #prng: Prng;
  readonly #connection: SimConnection;
  readonly #open = new Map<number, FarAsk>();
  readonly #waiting: { readonly id: number; readonly ask: FarAsk }[] = [];
  #held: Lease[] = [];
  #numbers = 0;
  #calm = false;

  constructor(parts: FarQueueParts) {
    const { address, network, place, terms, timeline } = parts;
    this.#parts = parts;
    const user = this;
    this.#prng = new Prng(terms.seed);
    this.#connection = new SimConnection(
      { address, name: `q${place}`, network, place, timeline },
      {
        down: () => this.#down(),
        drained: () => {},
        message: (message) => this.#receive(message),
        up: () => this.#flush(),
        get wantsLink() {
          return !user.#calm || user.#waiting.length > 0;
        },
      },
    );
    this.#tick();
  }

  /** The queue is gone: what it held is nothing in another one. */
  forget(): void {
    this.#held = [];
  }

  /** Faults have stopped: what it holds comes back to the queue by itself. */
  calm(): void {
    this.#calm = true;
    this.#held = [];
  }

  /** Asks whatever else there is to do with a queue; `then` is not called where the connection breaks. */
  ask(command: QueueCommand, then: (ask: FarAsk) => void = () => {}, idempotent = false): FarAsk {
    const { place, watcher } = this.#parts;
    const id = ++this.#numbers;
    const ask: FarAsk = { command, idempotent, open: true, outcome: undefined, place, token: `q${place}.${id}` };
    watcher.farAsked(ask);
    this.#thens.set(ask, then);
    this.#waiting.push({ ask, id });
    if (this.#connection.link === undefined) this.#connection.connect();
    else this.#flush();
    return ask;
  }

  readonly #thens = new WeakMap<FarAsk, (ask: FarAsk) => void>();

  #tick(): void {
    if (this.#calm) return;
    const { terms, timeline } = this.#parts;
    timeline.after(this.#prng.between(1, terms.everyMs), () => this.#tick());
    if (this.#open.size + this.#waiting.length < OPEN_MAX) this.#act();
  }

  #act(): void {
    const prng = this.#prng;
    const dice = prng.below(100);
    if (dice < 45) return this.#send();
    if (dice < 70) {
      const waitMs = prng.pick([0, 0, 500, 3_000]) ?? 0;
      this.ask({ groupMax: 1, kind: 'receive', max: prng.between(1, 4), queue: QUEUE, waitMs }, ({ outcome }) => {
        if (outcome?.ok && outcome.value.kind === 'received' && !this.#calm) this.#held.push(...outcome.value.leases);
      });
      return;
    }
    const [lease] = this.#held.splice(prng.below(Math.max(1, this.#held.length)), 1);
    if (lease === undefined) return;
    const { receipt } = lease;
    if (dice < 90) this.ask({ kind: 'ack', queue: QUEUE, receipts: [receipt] }, undefined, prng.chance(0.5));
    else if (dice < 95) this.ask({ kind: 'release', queue: QUEUE, receipts: [receipt] });
    else this.ask({ kind: 'nack', queue: QUEUE, receipts: [{ receipt }] });
  }

  #send(): void {
    const prng = this.#prng;
    const { place, terms } = this.#parts;
    const orders = Array.from({ length: prng.between(1, 3) }, (_, i) => ({
      bytes: 10,
      content: `q${place}.${this.#numbers + 1}.${i}`,
      ...(terms.of === 'fifo' && { group: prng.pick(['a', 'b', 'far']) ?? 'far' }),
      ...(terms.of === 'priority' && { priority: prng.below(4) }),
    }));
    this.ask({ kind: 'send', orders, queue: QUEUE });
  }

  #flush(): void {
    for (const { ask, id } of this.#waiting.splice(0)) {
      this.#open.set(id, ask);
      this.#connection.send(callOf(ask, id));
    }
  }

  /** What was under way is in doubt; what was not sent is given up. */
  #down(): void {
    for (const ask of [...this.#open.values(), ...this.#waiting.map((one) => one.ask)]) ask.open = false;
    this.#open.clear();
    this.#waiting.length = 0;
  }

  #receive(message: Message): void {
    if (message.kind !== 'result' && message.kind !== 'error') return;
    const ask = this.#open.get(message.id);
    if (ask === undefined) return;
    this.#open.delete(message.id);
    ask.open = false;
    ask.outcome = outcomeOf(message);
    this.#parts.watcher.farAnswered(ask);
    this.#thens.get(ask)?.(ask);
  }
}

const OPEN_MAX = 6;
const TIMEOUT_MS = 20_000;

function callOf({ command, idempotent, token }: FarAsk, id: number): Message {
  const payload = simPayload({ args: [{ command, queue: QUEUE, token }] });
  const fun = `mpreg.queue.${command.kind}`;
  return { fun, id, idempotent, kind: 'call', locs: [`queue:${QUEUE}`], payload, routed: false, timeoutMs: TIMEOUT_MS };
}

function outcomeOf(message: Extract<Message, { readonly kind: 'result' | 'error' }>): Outcome<QueueReply> {
  if (message.kind === 'error') return { ok: false, problem: message.problem };
  const value = message.payload.value();
  return value.ok ? { ok: true, value: value.value as QueueReply } : value;
}
