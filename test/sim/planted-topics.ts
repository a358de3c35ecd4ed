/** Nodes with a bug planted in how they carry messages of topics, one for each law. */
import type { LinkId } from '../../src/engine/core/base/ids.ts';
import type { Peer } from '../../src/engine/core/links/messages.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import type { Exchange, Route, Subscription } from '../../src/engine/core/topics/exchange.ts';
import type { DeliverMessage, FlowMessage, SettleMessage } from '../../src/engine/core/topics/messages.ts';
import type { Delivery } from '../../src/engine/flow/delivery.ts';
import type { Wire } from '../../src/engine/flow/flow-link.ts';
import { TopicsFlow } from '../../src/engine/flow/topics-flow.ts';
import type { TopicsFlowParts } from '../../src/engine/flow/topics-flow-parts.ts';
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { simPayload } from '../../src/engine/sim/payload.ts';
import { planted } from './planted.ts';

/** Puts something else onto links than what was to be sent. */
export function missends(
  change: (message: Message, peer: Peer) => readonly Message[],
  wire: Partial<Wire> = {},
): MakeNode {
  class Flow extends TopicsFlow {
    override opened(id: LinkId, peer: Peer, real: Wire): void {
      super.opened(id, peer, {
        get isFull() {
          return real.isFull;
        },
        hold: () => real.hold(),
        release: () => real.release(),
        send: (message) => {
          for (const one of change(message, peer)) real.send(one);
          return undefined;
        },
        ...wire,
      });
    }
  }
  return planted({ flow: (parts) => new Flow(parts) });
}

const delivers = (change: (message: DeliverMessage) => readonly Message[]): MakeNode =>
  missends((message) => (message.kind === 'deliver' ? change(message) : [message]));

export const deliversTwice = delivers((message) => [message, message]);
export const deliversSomethingElse = delivers((message) => [{ ...message, payload: simPayload({ token: 'x' }) }]);
export const mixesUpTopics = delivers((message) => [{ ...message, topic: 'other' }]);
export const countsNothing = delivers((message) => [{ ...message, by: 'p', seq: 1 }]);
export const hidesWhatIsMissed = delivers(({ missed: _, ...message }) => [message]);
export const tellsGapsTwice = missends((message) => (message.kind === 'gap' ? [message, message] : [message]));
export const passesOnTwice = missends((message) => (message.kind === 'forward' ? [message, message] : [message]));
export const answersNoPublisher = missends((message) => (message.kind === 'published' ? [] : [message]));
export const boasts = missends((message) =>
  message.kind === 'published' ? [{ ...message, local: message.local + 1 }] : [message],
);
export const neverReleases = missends((message) => [message], { release: () => {} });

/** Keeps every first of two messages back until the second has gone. */
export function swapsMessages(): MakeNode {
  return (birth) => {
    let kept: DeliverMessage | undefined;
    return delivers((message) => {
      const before = kept;
      kept = undefined;
      if (before?.id === message.id) return [message, before];
      kept = message;
      return before === undefined ? [] : [before];
    })(birth);
  };
}

/** Says so at once, whatever others know. */
export const speaksForAll = planted({
  inputs: (input) => {
    if (input.kind !== 'message' || input.message.kind !== 'subscribe') return [input];
    const { everywhere: _, ...message } = input.message;
    return [{ ...input, message }];
  },
});

/** Takes its subscribers' terms for something else. */
function misreads(terms: { readonly policy?: 'drop-oldest'; readonly messagesMax?: number }): MakeNode {
  return planted({
    inputs: (input) => {
      if (input.kind !== 'message' || input.message.kind !== 'subscribe') return [input];
      return [{ ...input, message: { ...input.message, ...terms } }];
    },
  });
}

export const dropsWhatItLikes = misreads({ policy: 'drop-oldest' });
export const keepsTooMuch = misreads({ messagesMax: 10_000 });

/** Does not take back what others no longer listen to. */
export const neverForgetsInterest = planted({
  inputs: (input) => {
    if (input.kind !== 'message' || input.message.kind !== 'interest') return [input];
    return [{ ...input, message: { ...input.message, removed: [] } }];
  },
});

/** Does not hear of everything that others listen to. */
export const isDeafToInterest = planted({
  inputs: (input) => {
    if (input.kind !== 'message' || input.message.kind !== 'interest') return [input];
    return [{ ...input, message: { ...input.message, added: input.message.added.slice(1) } }];
  },
});

/** Takes its time to notice that nobody listens any more. */
class Sluggish extends TopicsFlow {
  readonly #later: TopicsFlowParts['later'];

  constructor(parts: TopicsFlowParts) {
    super(parts);
    this.#later = parts.later;
  }

  override unsubscribed(effect: Parameters<TopicsFlow['unsubscribed']>[0]): void {
    this.#later(3_000, () => super.unsubscribed(effect));
  }
}
export const deliversToWhoHasGone = planted({ flow: (parts) => new Sluggish(parts) });

/** Takes what members say about messages for something else. */
function mishears(change: (message: SettleMessage) => SettleMessage | undefined): MakeNode {
  class Flow extends TopicsFlow {
    override take(id: LinkId, message: FlowMessage): boolean {
      const changed = message.kind === 'settle' ? change(message) : message;
      return changed === undefined || super.take(id, changed);
    }
  }
  return planted({ flow: (parts) => new Flow(parts) });
}

export const ignoresMembers = mishears(() => undefined);
export const takesDoneForRefused = mishears(({ done, ...message }) => ({ ...message, done: [], refused: done }));
export const hidesAttempts = delivers((message) => [message.tag === undefined ? message : { ...message, attempt: 1 }]);

class Drowsy extends TopicsFlow {
  override drained(): void {}
}
export const missesThatThereIsRoom = planted({ flow: (parts) => new Drowsy(parts) });

/** Passes on what was passed on to it. */
class Gossip extends TopicsFlow {
  readonly #wires = new Map<LinkId, Wire>();

  override opened(id: LinkId, peer: Peer, wire: Wire): void {
    if (peer.role === 'peer') this.#wires.set(id, wire);
    super.opened(id, peer, wire);
  }

  override take(id: LinkId, message: FlowMessage): boolean {
    if (message.kind === 'forward') for (const [link, wire] of this.#wires) if (link !== id) wire.send(message);
    return super.take(id, message);
  }
}
export const travelsInCircles = planted({ flow: (parts) => new Gossip(parts) });

/** Loses what comes for others now and then, and says nothing. */
class Lossy extends TopicsFlow {
  #taken = 0;

  override take(id: LinkId, message: FlowMessage): boolean {
    if (message.kind === 'forward' && ++this.#taken % 3 === 0) return true;
    return super.take(id, message);
  }
}
export const losesWhatArrives = planted({ flow: (parts) => new Lossy(parts) });

/** Asks an exchange that answers otherwise. */
function asks(change: (exchange: Exchange<unknown>) => Partial<Exchange<Delivery>>): MakeNode {
  return planted({
    exchange: (exchange) =>
      new Proxy(exchange, {
        get: (target, name) => {
          const changed = (change(target) as Readonly<Record<string | symbol, unknown>>)[name];
          if (changed !== undefined) return changed;
          const own = Reflect.get(target, name, target) as unknown;
          return typeof own === 'function' ? own.bind(target) : own;
        },
      }),
  });
}

type AnyRoute = Route<Delivery>;

function routes(change: (route: AnyRoute, exchange: Exchange<Delivery>) => AnyRoute): MakeNode {
  return asks((exchange) => {
    const typed = exchange as Exchange<Delivery>;
    return {
      route: (topic) => {
        const found = typed.route(topic);
        return found.ok ? { ok: true, value: change(found.value, typed) } : found;
      },
    };
  });
}

/** Sends to no other node. */
export const keepsToItself = routes((route) => ({ ...route, nodes: [] }));

/** Gives every message to the first member of a group that it has, whatever that listens to. */
export const mixesUpMembers = asks((exchange) => {
  const typed = exchange as Exchange<Delivery>;
  const first = (wanted: Subscription<Delivery> | undefined) => {
    for (let id = 1; id <= 20; id++) {
      const one = typed.subscription(id);
      if (one?.group !== undefined && one.group === wanted?.group) return one;
    }
    return wanted;
  };
  return { subscription: (id) => first(typed.subscription(id)) };
});

/** Sends to all members of a group. */
export const sendsToAllMembers = routes((route) => ({
  ...route,
  groups: route.groups.flatMap(({ group, members }) =>
    members.map((member) => ({ group, members: [member], owed: false })),
  ),
}));

/** Knows nobody who could stand in, and not even those who were chosen. */
export const losesMembers = asks(() => ({ stand: () => undefined }));

/** Remembers more than there is. */
export const remembersTooMuch = asks((exchange) => ({
  get counts() {
    return { ...exchange.counts, routes: exchange.counts.routes + 1 };
  },
}));
