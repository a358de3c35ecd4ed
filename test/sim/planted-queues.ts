/** Nodes whose queues have a bug planted in them, or whose disks have, to see that the laws of queues find it. */

import type { NodeEffect, WantedByQueues } from '../../src/engine/core/node/effects.ts';
import { Node } from '../../src/engine/core/node/node.ts';
import type { QueuesEffect, QueuesInput, QueueWrite } from '../../src/engine/core/queues/effects.ts';
import type { Lease, Order } from '../../src/engine/core/queues/messages.ts';
import type { MakeNode, NodeMachine } from '../../src/engine/sim/machine.ts';

/** One life of a node. What it sees and says of queues passes through here; it remembers what it must. */
interface Bug {
  readonly inputs?: (input: QueuesInput) => readonly QueuesInput[];
  readonly effects?: (effect: QueuesEffect) => readonly QueuesEffect[];
}

function planted(bug: () => Bug): MakeNode {
  return (birth): NodeMachine => {
    const node = new Node(birth);
    const { inputs = (input) => [input], effects = (effect) => [effect] } = bug();
    return {
      deadline: () => node.deadline(),
      drain: () =>
        node.drain().flatMap((effect): NodeEffect[] => {
          if (effect.kind !== 'queue') return [effect];
          return effects(effect.effect).map((changed) => ({ ...effect, effect: changed as WantedByQueues }));
        }),
      get exchange() {
        return node.exchange;
      },
      isAlive: (id) => node.isAlive(id),
      linkTo: (id) => node.linkTo(id),
      snapshot: (now) => node.snapshot(now),
      step: (input, now) => {
        if (input.kind !== 'queue') node.step(input, now);
        else for (const changed of inputs(input.input)) node.step({ input: changed, kind: 'queue' }, now);
      },
    };
  };
}

function ofPersist(change: (writes: readonly QueueWrite[]) => readonly QueueWrite[]) {
  return (effect: QueuesEffect): readonly QueuesEffect[] =>
    effect.kind === 'persist' ? [{ ...effect, writes: change(effect.writes) }] : [effect];
}

function ofLeases(change: (leases: readonly Lease[]) => readonly Lease[]) {
  return (effect: QueuesEffect): readonly QueuesEffect[] => {
    if (effect.kind !== 'reply' || !effect.outcome.ok || effect.outcome.value.kind !== 'received') return [effect];
    const value = { ...effect.outcome.value, leases: change(effect.outcome.value.leases) };
    return [{ ...effect, outcome: { ok: true, value } }];
  };
}

/** Takes what it has asked the disk to store for stored, with the next thing that happens. */
export const doesNotWaitForTheDisk = planted(() => {
  let fence: number | undefined;
  return {
    effects: (effect) => {
      if (effect.kind === 'persist') fence = effect.fence;
      return [effect];
    },
    inputs: (input) => {
      const early = fence;
      fence = undefined;
      return early === undefined || input.kind === 'opened' ? [input] : [{ fence: early, kind: 'persisted' }, input];
    },
  };
});

/** A disk that stores the first half of a batch. */
export const storesHalfOfABatch = planted(() => {
  let batches = 0;
  return {
    effects: ofPersist((writes) => (++batches % 40 === 39 && writes.length > 3 ? writes.slice(1) : writes)),
  };
});

/** Counts what it sends twice. */
export const countsTwice = planted(() => ({
  effects: ofPersist((writes) =>
    writes.map((write) =>
      write.kind === 'counts' && write.counts.sent > 20
        ? { ...write, counts: { ...write.counts, sent: write.counts.sent + 1 } }
        : write,
    ),
  ),
}));

/** Begins with the tokens of its former life. */
export const reusesTokens = planted(() => ({
  inputs: (input) => {
    if (input.kind !== 'opened') return [input];
    return [{ ...input, queues: input.queues.map((one) => ({ ...one, counts: { ...one.counts, tokens: 0 } })) }];
  },
}));

/** Gives what one consumer has to another one, too. */
export const leasesTwice = planted(() => {
  let seen: Lease | undefined;
  return {
    effects: ofLeases((leases) => {
      const [first] = leases;
      const again = seen === undefined || first === undefined ? [] : [{ ...seen, token: first.token + 100_000 }];
      seen = first;
      return [...leases, ...again];
    }),
  };
});

/** Takes an old receipt for the newest one. */
export const takesStaleReceipts = planted(() => {
  const newest = new Map<string, string>();
  return {
    effects: ofLeases((leases) => {
      for (const { id, receipt } of leases) newest.set(`${id}`, receipt);
      return leases;
    }),
    inputs: (input) => {
      if (input.kind !== 'ask' || input.command.kind !== 'ack') return [input];
      const receipts = input.command.receipts.map((receipt) => newest.get(receipt.split('.')[0] ?? '') ?? receipt);
      return [{ ...input, command: { ...input.command, receipts } }];
    },
  };
});

/** Loads a group the wrong way round. */
export const reversesGroups = planted(() => {
  const asked = new Set<number>();
  return {
    effects: (effect) => {
      if (effect.kind === 'load' && effect.ask.what === 'groups') asked.add(effect.load);
      return [effect];
    },
    inputs: (input) => {
      if (input.kind !== 'loaded' || !asked.delete(input.load)) return [input];
      const { messages } = input.loaded;
      const later = messages.length > 1 ? messages.slice(1) : messages;
      return [{ ...input, loaded: { ...input.loaded, messages: later } }];
    },
  };
});

/** Drops dead letters on the way. */
export const losesDeadLetters = planted(() => {
  const lost = new Map<number, number>();
  return {
    effects: ofPersist((writes) =>
      writes.flatMap((write): QueueWrite[] => {
        if (write.kind === 'copy') {
          lost.set(write.to, (lost.get(write.to) ?? 0) + 1);
          return [];
        }
        const missing = write.kind === 'counts' ? lost.get(write.queue) : undefined;
        if (write.kind !== 'counts' || missing === undefined) return [write];
        const { sent, messages } = write.counts;
        return [{ ...write, counts: { ...write.counts, messages: messages - missing, sent: sent - missing } }];
      }),
    ),
  };
});

/** Never gives what has come back. */
export const forgetsWhatComesBack = planted(() => ({
  effects: ofLeases((leases) => leases.filter(({ receives }) => receives < 2)),
}));

type Command = Extract<QueuesInput, { readonly kind: 'ask' }>['command'];

function ofCommands(change: (command: Command) => Command) {
  return (input: QueuesInput): readonly QueuesInput[] =>
    input.kind === 'ask' ? [{ ...input, command: change(input.command) }] : [input];
}

function ofOrders(change: (order: Order) => Order) {
  return ofCommands((command) =>
    command.kind === 'send' ? { ...command, orders: command.orders.map(change) } : command,
  );
}

/** Never looks at how long a message may wait. */
export const forgetsTimeToLive = planted(() => ({
  inputs: ofOrders(({ ttlMs: _, ...order }) => order),
}));

/** Says that it has purged, and has not. */
export const doesNotPurge = planted(() => {
  const asked = new Set<number>();
  return {
    effects: (effect) => {
      if (effect.kind !== 'reply' || !asked.delete(effect.request) || !effect.outcome.ok) return [effect];
      return [{ ...effect, outcome: { ok: true, value: { kind: 'purged', purged: 0 } } }];
    },
    inputs: (input) => {
      if (input.kind !== 'ask' || input.command.kind !== 'purge') return [input];
      asked.add(input.request);
      return [{ ...input, command: { kind: 'info', queue: input.command.queue } }];
    },
  };
});

/** Gives everybody what one of them owes. */
export const mixesConsumersUp = planted(() => ({
  inputs: ofCommands((command) => (command.kind === 'receive' ? { ...command, consumer: 'ann' } : command)),
}));

/** Wants one acknowledgement more than it was asked for. */
export const wantsOneMore = planted(() => ({
  inputs: ofOrders((order) => (order.quorum === undefined ? order : { ...order, quorum: order.quorum + 1 })),
}));

/** Stores another limit than it keeps. */
export const takesTooMany = planted(() => ({
  effects: ofPersist((writes) =>
    writes.map((write) =>
      write.kind === 'queue' ? { ...write, options: { ...write.options, messagesMax: 3 } } : write,
    ),
  ),
}));

/** Takes what may be lost for what must be acknowledged. */
export const givesTwice = planted(() => ({
  inputs: ofOrders(({ guarantee, ...order }) =>
    guarantee === undefined || guarantee === 'fire-and-forget' ? order : { ...order, guarantee },
  ),
}));

/** Loses dead letters on their way back, and counts as if they had never been sent back. */
export const losesWhatIsSentBack = planted(() => {
  const lost = new Map<number, number>();
  return {
    effects: ofPersist((writes) =>
      writes.flatMap((write): QueueWrite[] => {
        if (write.kind === 'copy' && write.message.dead === undefined) {
          lost.set(write.to, (lost.get(write.to) ?? 0) + 1);
          return [];
        }
        const missing = write.kind === 'counts' ? lost.get(write.queue) : undefined;
        if (write.kind !== 'counts' || missing === undefined) return [write];
        const { sent, messages } = write.counts;
        return [{ ...write, counts: { ...write.counts, messages: messages - missing, sent: sent - missing } }];
      }),
    ),
  };
});

/** Counts as delayed what is not. */
export const saysWhatIsNotSo = planted(() => ({
  effects: (effect) => {
    if (effect.kind !== 'reply' || !effect.outcome.ok || effect.outcome.value.kind !== 'queue') return [effect];
    const { view } = effect.outcome.value;
    const counts = { ...view.counts, delayed: view.counts.delayed + 5, ready: view.counts.ready - 5 };
    return [{ ...effect, outcome: { ok: true, value: { kind: 'queue', view: { ...view, counts } } } }];
  },
}));
