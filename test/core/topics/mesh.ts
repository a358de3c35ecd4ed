/** Some exchanges and the links between them, which carry messages in order until they break; and a naive judge. */
import { Exchange, type Route } from '../../../src/engine/core/topics/exchange.ts';
import type { TopicsMessage } from '../../../src/engine/core/topics/messages.ts';
import { DEFAULT_TOPICS, type TopicsOptions } from '../../../src/engine/core/topics/options.ts';
import type { OutboxLimits } from '../../../src/engine/core/topics/outbox.ts';
import { matches } from './naive.ts';

export const LIMITS: OutboxLimits = { bytesMax: 1_000, messagesMax: 100, policy: 'drop-oldest' };

interface Flight {
  readonly from: string;
  readonly to: string;
  readonly message: TopicsMessage;
}

export class Mesh {
  readonly exchanges = new Map<string, Exchange<string>>();
  /** Pairs `a b`, in order of their names. */
  readonly links = new Set<string>();
  readonly flights: Flight[] = [];
  readonly everywhere: string[] = [];
  readonly #options: TopicsOptions;
  readonly #say: (line: string) => void;
  now = 0;

  constructor(names: readonly string[], options: Partial<TopicsOptions> = {}, say: (line: string) => void = () => {}) {
    this.#options = { ...DEFAULT_TOPICS, ...options };
    this.#say = say;
    for (const name of names) this.start(name, 100);
  }

  /** A new life of a node, at a version that is above all of the last one. */
  start(name: string, version: number): void {
    for (const other of this.exchanges.keys()) this.unlink(name, other);
    this.exchanges.set(name, new Exchange<string>(name, version, this.#options));
  }

  at(name: string): Exchange<string> {
    const exchange = this.exchanges.get(name);
    if (exchange === undefined) throw new Error(`no node ${name}`);
    return exchange;
  }

  subscribe(name: string, patterns: readonly string[], group?: string): number {
    const request = { limits: LIMITS, patterns, ...(group === undefined ? {} : { group }) };
    const made = this.at(name).subscribe(request, this.now);
    if (!made.ok) throw new Error(made.problem.message);
    this.settle();
    return made.value.id;
  }

  link(a: string, b: string): void {
    const pair = [a, b].sort().join(' ');
    if (a === b || this.links.has(pair)) return;
    this.links.add(pair);
    this.at(a).linked(b, this.now);
    this.at(b).linked(a, this.now);
    this.settle();
  }

  /** What is on the way between them is lost. */
  unlink(a: string, b: string): void {
    if (!this.links.delete([a, b].sort().join(' '))) return;
    const rest = this.flights.filter(({ from, to }) => !([a, b].includes(from) && [a, b].includes(to)));
    this.flights.splice(0, this.flights.length, ...rest);
    this.at(a).unlinked(b, this.now);
    this.at(b).unlinked(a, this.now);
  }

  /** Gossip tells everybody of everybody's version. */
  gossip(): void {
    for (const [name, exchange] of this.exchanges) {
      for (const [other, { counts }] of this.exchanges)
        if (other !== name) exchange.heard(other, counts.version, this.now);
    }
    this.settle();
  }

  /** Takes the oldest message to its receiver; one without a link is taken there as well, over a link made for it. */
  deliver(): boolean {
    const flight = this.flights.shift();
    if (flight === undefined) return false;
    this.at(flight.to).receive(flight.from, flight.message, this.now);
    this.settle();
    return true;
  }

  pass(ms: number): void {
    this.now += ms;
    for (const exchange of this.exchanges.values()) exchange.advance(this.now);
    this.settle();
  }

  /** Until nobody has anything to say. */
  quiet(): void {
    for (let round = 0; round < 50; round++) {
      this.pass(this.#options.announceMs);
      if (this.flights.length === 0) return;
      while (this.deliver());
    }
    throw new Error('they never stop talking');
  }

  settle(): void {
    for (const [name, exchange] of this.exchanges) {
      for (const effect of exchange.drain()) {
        if (effect.kind === 'send') this.flights.push({ from: name, message: effect.message, to: effect.to });
        if (effect.kind === 'everywhere') this.everywhere.push(`${name} ${effect.token}`);
        this.#say(`${name}${textOf(effect)}`);
      }
    }
  }

  route(name: string, topic: string): Route<string> {
    const route = this.at(name).route(topic);
    if (!route.ok) throw new Error(route.problem.message);
    return route.value;
  }

  /** The subscriptions that get one message, as `node/id`, after it has crossed each link once. */
  publish(name: string, topic: string, key?: string): string[] {
    const route = this.route(name, topic);
    const got = route.local.map(({ id }) => `${name}/${id}`);
    const chosen = route.groups.map((group) => this.at(name).choose(group, key));
    for (const node of new Set([...route.nodes, ...chosen.map((member) => member.node)])) {
      const there = this.route(node, topic);
      if (node !== name && route.nodes.includes(node)) got.push(...there.local.map(({ id }) => `${node}/${id}`));
      for (const { group, id } of chosen.filter((member) => member.node === node)) {
        const taker = this.at(node).stand(there, group, id);
        got.push(taker === undefined ? `nobody in ${group}` : `${node}/${taker.id}`);
      }
    }
    return got.sort();
  }
}

export function gets(patterns: readonly string[], topic: string): boolean {
  return patterns.some((text) => matches(text, topic));
}

function textOf(effect: ReturnType<Exchange<string>['drain']>[number]): string {
  if (effect.kind === 'everywhere') return `: ${effect.token} is effective everywhere`;
  if (effect.kind === 'interest-version') return `: interest is at version ${effect.version}`;
  return ` → ${effect.to}: ${messageText(effect.message)}`;
}

function messageText(message: TopicsMessage): string {
  if (message.kind === 'interest-have') return `have ${message.version}`;
  const words = (sign: string, all: typeof message.added) =>
    all.map(
      ({ pattern, member }) => ` ${sign}${pattern}${member === undefined ? '' : ` (${member.group} ${member.id})`}`,
    );
  return `interest ${message.from} to ${message.version}${[...words('-', message.removed), ...words('+', message.added)].join('')}`;
}
