/**
 * A few real nodes in a small world without faults but those that a test asks for: messages take 5 ms, dials 10 ms, a
 * store 1 ms. Every input of every node is kept, so that its life can be played again.
 */
import type { LinkId } from '../../../src/engine/core/base/ids.ts';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { done, failed, type Outcome } from '../../../src/engine/core/base/outcome.ts';
import type { Payload } from '../../../src/engine/core/base/payload.ts';
import { problem } from '../../../src/engine/core/base/problems.ts';
import type { Arguments, CallMessage } from '../../../src/engine/core/calls/messages.ts';
import type { FunctionRecord } from '../../../src/engine/core/directory/record.ts';
import type { Peer } from '../../../src/engine/core/links/messages.ts';
import type { NodeEffect, NodeEvent } from '../../../src/engine/core/node/effects.ts';
import type { Message, NodeInput, Traced } from '../../../src/engine/core/node/inputs.ts';
import { Node, type NodeConfig } from '../../../src/engine/core/node/node.ts';
import { plain } from '../calls/values.ts';

/** What a function does: its value now, or after a while; `never` is a function that only ends when it is told to. */
export type Doing = (args: readonly unknown[]) => {
  readonly value?: unknown;
  readonly afterMs?: number;
  readonly never?: true;
};

export interface Inhabitant {
  readonly config: NodeConfig;
  readonly node: Node;
  readonly trace: Traced[];
  /** What the node asked for at each step, as text. */
  readonly effects: string[];
  readonly events: NodeEvent[];
  readonly ran: string[];
  readonly aborted: number[];
  stopped: boolean;
}

interface End {
  readonly at: Inhabitant | Client;
  readonly link: LinkId;
  other: End | undefined;
}

export function functionOf(name: string, more: Partial<FunctionRecord> = {}): FunctionRecord {
  return { name, resources: [], version: '1.0.0', ...more };
}

export class SmallWorld {
  now = 0;
  readonly doings: Record<string, Doing> = {};
  /** Addresses that do not answer: dials to them fail after five seconds, unless they answer by then. */
  readonly silent = new Set<string>();
  readonly #nodes = new Map<string, Inhabitant>();
  readonly #ends = new Map<string, End>();
  readonly #events: { readonly at: number; readonly happen: () => void }[] = [];
  #links = 0;
  #births = 0;
  #clients = 0;

  add(name: string, more: Partial<NodeConfig> = {}, epoch = 0): Inhabitant {
    const config: NodeConfig = {
      address: `ws://${name}`,
      cluster: 'test',
      functions: [],
      id: `ID-${name}`,
      name,
      payload: plain,
      resources: [],
      seed: ++this.#births,
      software: 'test',
      ...more,
    };
    const inhabitant: Inhabitant = {
      aborted: [],
      config,
      effects: [],
      events: [],
      node: new Node(config),
      ran: [],
      stopped: false,
      trace: [],
    };
    this.#nodes.set(config.address, inhabitant);
    this.give(inhabitant, { epoch, kind: 'start' });
    return inhabitant;
  }

  /** Adds nodes that know the first as their seed, and lets them meet. */
  mesh(functions: Readonly<Record<string, readonly FunctionRecord[]>>): Inhabitant[] {
    const all = Object.entries(functions).map(([name, offered]) => this.add(name, { functions: offered }));
    for (const one of all) this.give(one, { addresses: [all[0]?.config.address ?? ''], kind: 'seeds' });
    this.run(8_000);
    return all;
  }

  give(to: Inhabitant, input: NodeInput): void {
    const { node, trace, effects } = to;
    trace.push({ input, now: this.now });
    node.step(input, this.now);
    const asked = node.drain();
    effects.push(JSON.stringify(asked));
    for (const effect of asked) this.#carryOut(to, effect);
  }

  /** Lets so many milliseconds pass. */
  run(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at);
      const next = this.#events[0]?.at ?? NEVER;
      const due = [...this.#nodes.values()].sort((a, b) => a.node.deadline() - b.node.deadline())[0];
      const at = Math.min(next, due?.node.deadline() ?? NEVER);
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (next <= at) this.#events.shift()?.happen();
      else if (due !== undefined) this.give(due, { kind: 'advance' });
    }
    this.now = until;
  }

  connect(to: Inhabitant): Client {
    const client = new Client(
      ++this.#clients,
      (message) => this.#send(client, 1, message),
      () => this.#close(client, 1, 'the client left'),
    );
    this.#join(client, to, undefined);
    return client;
  }

  /** The node is gone without a word; whoever dials it hears nothing. */
  vanish(one: Inhabitant): void {
    this.silent.add(one.config.address);
    this.#nodes.delete(one.config.address);
    one.stopped = true;
    for (const end of [...this.#ends.values()]) {
      if (end.at === one && end.other !== undefined) this.#end(end.other, 'reset');
    }
  }

  #carryOut(who: Inhabitant, effect: NodeEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(who, effect.link, effect.message);
      case 'dial':
        return this.#dial(who, effect.dial, effect.address);
      case 'close':
        return this.#close(who, effect.link, effect.reason);
      case 'persist':
        return this.#after(1, () => this.give(who, { fence: effect.fence, kind: 'persisted' }));
      case 'run':
        return this.#do(who, effect);
      case 'abort':
        who.aborted.push(effect.task);
        return this.#after(1, () =>
          this.give(who, { kind: 'ran', outcome: failed(problem('cancelled', effect.reason)), task: effect.task }),
        );
      case 'more':
        return; // its functions make no streams
      case 'notify':
        who.events.push(effect.event);
        return;
      case 'stopped':
        who.stopped = true;
        this.#nodes.delete(who.config.address);
        for (const end of [...this.#ends.values()]) if (end.at === who) this.#close(who, end.link, 'the process ended');
    }
  }

  #do(who: Inhabitant, { task, fun, payload }: Extract<NodeEffect, { readonly kind: 'run' }>): void {
    who.ran.push(fun);
    const args = payload.value();
    const {
      value,
      afterMs = 0,
      never,
    } = this.doings[fun]?.(args.ok ? (args.value as Arguments).args : []) ?? { value: fun };
    if (never) return;
    const outcome: Outcome<Payload> = done(plain(value));
    this.#after(afterMs, () => this.give(who, { kind: 'ran', outcome, task }));
  }

  #dial(who: Inhabitant, dial: number, address: string): void {
    const fail = (refused: boolean) => this.give(who, { dial, kind: 'dial-failed', reason: 'so', refused });
    this.#after(this.silent.has(address) ? 5_000 : 10, () => {
      const there = this.#nodes.get(address);
      const isSilent = this.silent.has(address);
      if (there === undefined || isSilent || who.stopped) fail(!isSilent);
      else this.#join(who, there, dial);
    });
  }

  #join(near: Inhabitant | Client, far: Inhabitant, dial: number | undefined): void {
    const ends: End[] = [near, far].map((at) => ({
      at,
      link: at instanceof Client ? 1 : ++this.#links,
      other: undefined,
    }));
    const [a, b] = ends as [End, End];
    a.other = b;
    b.other = a;
    for (const end of ends) this.#ends.set(keyOf(end.at, end.link), end);
    this.give(far, { kind: 'link-up', link: b.link, peer: peerOf(near) });
    if (near instanceof Client) near.linked = true;
    else this.give(near, { kind: 'link-up', link: a.link, peer: peerOf(far), ...(dial === undefined ? {} : { dial }) });
  }

  #send(who: Inhabitant | Client, link: LinkId, message: Message): void {
    const to = this.#ends.get(keyOf(who, link))?.other;
    if (to === undefined) return;
    this.#after(5, () => {
      if (!this.#ends.has(keyOf(to.at, to.link))) return;
      if (to.at instanceof Client) to.at.messages.push(message);
      else this.give(to.at, { kind: 'message', link: to.link, message });
    });
  }

  #close(who: Inhabitant | Client, link: LinkId, reason: string): void {
    const end = this.#ends.get(keyOf(who, link));
    if (end === undefined) return;
    this.#end(end, reason);
    this.#after(5, () => end.other !== undefined && this.#end(end.other, reason));
  }

  #end(end: End, reason: string): void {
    if (!this.#ends.delete(keyOf(end.at, end.link))) return;
    if (end.at instanceof Client) end.at.linked = false;
    else if (!end.at.stopped) this.give(end.at, { kind: 'link-down', link: end.link, reason });
  }

  #after(ms: number, happen: () => void): void {
    this.#events.push({ at: this.now + ms, happen });
  }
}

/** A client with one link, who writes down what it gets. */
export class Client {
  readonly messages: Message[] = [];
  readonly id: number;
  readonly send: (message: Message) => void;
  readonly leave: () => void;
  linked = false;
  #calls = 0;

  constructor(id: number, send: (message: Message) => void, leave: () => void) {
    this.id = id;
    this.send = send;
    this.leave = leave;
  }

  /** Sends a call; `answer` is what came back as text once it has. */
  call(fun: string, more: Partial<CallMessage> = {}): { readonly id: number; readonly answer: () => string } {
    const id = ++this.#calls;
    const payload = plain({ args: [id] });
    this.send({ fun, id, idempotent: false, kind: 'call', locs: [], payload, routed: false, timeoutMs: 0, ...more });
    return { answer: () => this.#answer(id), id };
  }

  #answer(id: number): string {
    const texts = this.messages.flatMap((message) => {
      if (!('id' in message) || message.id !== id) return [];
      if (message.kind === 'error')
        return [`${message.problem.code}${message.problem.outcome === 'unknown' ? ' (unknown)' : ''}`];
      if (message.kind !== 'result') return [];
      const value = message.payload.value();
      return [`${value.ok ? JSON.stringify(value.value) : '?'} by ${message.by}`];
    });
    return texts.join(' and ') || 'none';
  }
}

function keyOf(at: Inhabitant | Client, link: LinkId): string {
  return at instanceof Client ? `client ${at.id}` : `${at.config.id} ${at.config.seed} ${link}`;
}

function peerOf(at: Inhabitant | Client): Peer {
  if (at instanceof Client) return { name: 'cli', role: 'client' };
  const { address, id, name } = at.config;
  return { address, id, name, role: 'peer' };
}
