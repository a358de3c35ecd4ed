/**
 * A simulated client: it sits on the machine of one node, asks it for calls and plans, and writes down what comes back.
 * It connects when it has something to ask, and again when its link broke.
 */
import { assert } from '../core/base/assert.ts';
import type { Address, DialId, LinkId } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { CallsMessage } from '../core/calls/messages.ts';
import type { Peer } from '../core/links/messages.ts';
import type { Message } from '../core/node/inputs.ts';
import type { Network } from './network.ts';
import { simPayload } from './payload.ts';
import { type PlanEvent, type ScenarioEvent, stepNames } from './scenario.ts';
import type { Endpoint } from './stream.ts';
import type { Timeline } from './timeline.ts';

export type AskEvent = Extract<ScenarioEvent, { kind: 'call' | 'plan' }>;
export type Answer = Extract<CallsMessage, { kind: 'result' | 'error' }>;

/** One call or plan, from the client's side. */
export interface Ask {
  readonly id: number;
  readonly event: AskEvent;
  /** One for a call, one per step for a plan: what the functions get first. */
  readonly tokens: readonly string[];
  sentAt: Instant | undefined;
  cancelled: boolean;
  /** What came of its stream, in order. */
  readonly items: unknown[];
  readonly answers: Answer[];
  answeredAt: Instant | undefined;
  /** No answer can come any more: the link was lost, or never came up. */
  lost: boolean;
}

/** Who looks on at clients. */
export interface AskWatcher {
  asked(ask: Ask): void;
  /** A client got an item of its call's stream: the last of `ask.items`. */
  streamed(ask: Ask): void;
  answered(ask: Ask): void;
}

export class SimClient implements Endpoint {
  readonly place: number;
  readonly peer: Peer = { name: 'sim', role: 'client' };
  readonly #address: Address;
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #told: AskWatcher;
  readonly #asks = new Map<number, Ask>();
  #link: LinkId | undefined;
  #dialling = false;
  #dials = 0;

  constructor(place: number, address: Address, timeline: Timeline, network: Network, told: AskWatcher) {
    this.place = place;
    this.#address = address;
    this.#timeline = timeline;
    this.#network = network;
    this.#told = told;
  }

  ask(ask: Ask): void {
    this.#asks.set(ask.id, ask);
    const { cancelMs, hangUpMs } = ask.event;
    if (cancelMs !== undefined) this.#timeline.after(cancelMs, () => this.#cancel(ask));
    if (hangUpMs !== undefined) this.#timeline.after(hangUpMs, () => this.#hangUp(ask));
    if (this.#link !== undefined) this.#send(ask);
    else this.#connect();
  }

  answer(then: () => void): void {
    then();
  }

  linkUp(link: LinkId): void {
    this.#dialling = false;
    this.#link = link;
    for (const ask of this.#asks.values()) if (ask.sentAt === undefined) this.#send(ask);
  }

  linkDown(link: LinkId): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    for (const ask of this.#asks.values()) ask.lost = true;
    this.#asks.clear();
  }

  dialFailed(): void {
    this.#dialling = false;
    for (const ask of this.#asks.values()) ask.lost = true;
    this.#asks.clear();
  }

  message(link: LinkId, message: Message): void {
    if (message.kind === 'beat' && !message.reply) this.#network.send(link, { kind: 'beat', reply: true });
    if (message.kind !== 'result' && message.kind !== 'error' && message.kind !== 'item') return;
    const ask = this.#asks.get(message.id);
    assert(ask !== undefined, 'a client gets answers only to what it asked on this very link');
    if (message.kind === 'item') {
      const item = message.payload.value();
      ask.items.push(item.ok ? item.value : item.problem);
      this.#told.streamed(ask);
      if (ask.event.kind === 'call' && ask.event.paced) this.#timeline.after(TAKING_MS, () => this.#take(ask));
      return;
    }
    ask.answers.push(message);
    ask.answeredAt = this.#timeline.now;
    this.#told.answered(ask);
  }

  /** It asks little, and sends it at once. */
  drained(): void {}

  #take(ask: Ask): void {
    if (this.#link === undefined || ask.lost || ask.answers.length > 0) return;
    this.#network.send(this.#link, { id: ask.id, items: 1, kind: 'more' });
  }

  #connect(): void {
    if (this.#dialling) return;
    this.#dialling = true;
    const dial: DialId = ++this.#dials;
    this.#network.dial(this, dial, this.#address);
  }

  #send(ask: Ask): void {
    if (this.#link === undefined) return;
    ask.sentAt = this.#timeline.now;
    this.#network.send(this.#link, messageOf(ask));
  }

  #cancel(ask: Ask): void {
    if (this.#link === undefined || ask.lost || ask.sentAt === undefined || ask.answers.length > 0) return;
    ask.cancelled = true;
    this.#network.send(this.#link, { id: ask.id, kind: 'cancel', reason: 'the client changed its mind' });
  }

  #hangUp(ask: Ask): void {
    if (this.#link === undefined || ask.lost || ask.answers.length > 0) return;
    this.#network.close(this.#link, 'the client hung up');
  }
}

/** How long a client has to do with one item. */
const TAKING_MS = 15;

function messageOf(ask: Ask): Message {
  const { id, event, tokens } = ask;
  const { timeoutMs } = event;
  if (event.kind === 'plan') return { id, kind: 'plan', payload: simPayload(planDocument(event, tokens)), timeoutMs };
  const { fun, args, cluster, locs, idempotent, version, paced } = event;
  const payload = simPayload({ args: [tokens[0], ...args] });
  const options = {
    ...(version !== undefined && { version }),
    ...(paced !== undefined && { paced }),
    ...(cluster !== undefined && { cluster }),
  };
  return { fun, id, idempotent, kind: 'call', locs, payload, routed: false, timeoutMs, ...options };
}

/** A plan as its user would write it, but for the token that each function gets first. */
export function planDocument(event: PlanEvent, tokens: readonly string[]): unknown {
  const names = stepNames(event);
  const steps = event.steps.map(({ args, ...terms }, i) => ({ ...terms, args: [tokens[i], ...args], name: names[i] }));
  const { return: wanted, refs, onError, resumable, planTimeoutMs: timeoutMs } = event;
  const head = Object.entries({ onError, refs, resumable, return: wanted, timeoutMs }).filter(
    ([, value]) => value !== undefined,
  );
  return head.length === 0 ? steps : { ...Object.fromEntries(head), steps };
}
