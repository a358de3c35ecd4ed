/**
 * What must be true of topics once faults have stopped: every client listens to what it wants, nothing waits and nobody is
 * held, all nodes agree who listens to what, and nobody remembers more than the living subscriptions explain.
 */
import { keyOf, parsePattern } from '../../core/topics/pattern.ts';
import type { SimProcess } from '../process.ts';
import type { Listening } from '../topics-client.ts';
import type { World } from '../world.ts';
import { Checker } from './checker.ts';
import { who } from './membership.ts';
import type { TopicOracle } from './topic-oracle.ts';

export class TopicRestChecker extends Checker {
  readonly #world: () => World;
  readonly #oracle: TopicOracle;
  readonly #topics: readonly string[];

  /** `topics`: on which all nodes must agree. */
  constructor(world: () => World, oracle: TopicOracle, topics: readonly string[]) {
    super();
    this.#world = world;
    this.#oracle = oracle;
    this.#topics = topics;
  }

  override unsettled(): string | undefined {
    const { living } = this.#world();
    if (this.#world().topicsClients.size === 0) return undefined;
    const wanted = new Map(living.map((process) => [process, this.#wantedOn(process)]));
    return (
      this.#clients() ??
      first(living, (process) => moving(process)) ??
      first(living, (process) => whyMuch(process, wanted)) ??
      first(living, (process) => this.#disagreement(process, wanted))
    );
  }

  #clients(): string | undefined {
    for (const client of this.#world().topicsClients.values()) {
      if (!this.#world().isInReach(client.where)) continue;
      const says = `client ${client.where.client} on node ${client.where.node}`;
      const deaf = [...client.listening].find(({ confirmed }) => !confirmed);
      if (deaf !== undefined) return `${says} does not listen to ${deaf.event.patterns.join(' ')} yet`;
      if (client.publishing.size > 0) return `${says} has ${client.publishing.size} messages that are not published`;
    }
    return undefined;
  }

  #wantedOn(process: SimProcess): readonly Listening[] {
    const clients = [...this.#world().topicsClients.values()];
    return clients
      .filter((client) => client.where.node === process.place && this.#world().isInReach(client.where))
      .flatMap(({ listening }) => [...listening]);
  }

  /** Each node knows of each topic which others listen. */
  #disagreement(process: SimProcess, wanted: Wanted): string | undefined {
    for (const topic of this.#topics) {
      const explained = process.exchange?.explain(topic);
      const found = explained?.ok ? explained.value : [];
      const told = new Set(found.filter(({ group }) => group === undefined).map(({ node }) => node));
      const members = found.filter(({ group }) => group !== undefined);
      let membersWanted = 0;
      for (const [other, listening] of wanted) {
        const fits = listening.filter(({ event }) => this.#oracle.anyMatches(event.patterns, topic));
        const plain = fits.some(({ event: { group } }) => group === undefined);
        if (plain !== told.has(other.birth.id)) {
          return `${who(process)} ${plain ? 'does not know' : 'believes'} that ${who(other)} listens to ${topic}`;
        }
        membersWanted += fits.filter(({ event: { group } }) => group !== undefined).length;
      }
      const distinct = new Set(members.map(({ node, subscription }) => `${node} ${subscription}`)).size;
      if (distinct !== membersWanted) {
        return `${who(process)} knows ${distinct} members of groups for ${topic}, where there are ${membersWanted}`;
      }
    }
    return undefined;
  }
}

type Wanted = ReadonlyMap<SimProcess, readonly Listening[]>;

/** What is still under way on a node. */
function moving(process: SimProcess): string | undefined {
  const { flow, held } = process.topics;
  const { owed, waiting } = flow.counts;
  if (waiting > 0) return `${waiting} messages wait on ${who(process)}`;
  if (owed > 0) return `${who(process)} owes ${owed} messages to groups`;
  return held.length > 0 ? `${who(process)} does not read from ${held.length} links` : undefined;
}

/** What a node remembers, compared with what the living subscriptions explain. */
function whyMuch(process: SimProcess, wanted: Wanted): string | undefined {
  const counts = process.exchange?.counts;
  if (counts === undefined) return `${who(process)} is starting`;
  const own = wanted.get(process) ?? [];
  const all = [...wanted.values()].flat();
  const announced = [...wanted.keys()].map((other) => other.exchange?.counts.announced ?? 0);
  const joined = sum(own.filter(isMember).map(formsOf));
  const { flow } = process.topics;
  const { links } = process.snapshot();
  const explained = {
    groups: new Set(all.flatMap(({ event: { group } }) => group ?? [])).size,
    // What others announce, and the members here, which nobody needs to announce to this node.
    interests: sum(announced) - counts.announced + joined,
    links: links.peers + links.clients,
    patterns: sum(own.filter((one) => !isMember(one)).map(formsOf)),
    peers: wanted.size - 1,
    routes: 0,
    subscribers: own.length,
    subscriptions: own.length,
  };
  const found: typeof explained = {
    groups: counts.groups,
    interests: counts.nodePatterns + counts.memberPatterns,
    links: flow.counts.links,
    patterns: counts.patterns,
    peers: counts.peers,
    routes: counts.routes,
    subscribers: flow.counts.subscriptions,
    subscriptions: counts.subscriptions,
  };
  for (const key of Object.keys(explained) as (keyof typeof explained)[]) {
    if (found[key] === explained[key]) continue;
    return `${who(process)} has ${found[key]} ${key} of topics, which ${explained[key]} would explain`;
  }
  const ways = flow.counts.nodes;
  return ways > links.peers ? `${who(process)} keeps ways to ${ways} nodes, with ${links.peers} links` : undefined;
}

function isMember({ event: { group } }: Listening): boolean {
  return group !== undefined;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function first<Item>(items: readonly Item[], why: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = why(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function formsOf({ event }: Listening): number {
  return new Set(event.patterns.map(formOf)).size;
}

function formOf(text: string): string {
  const parsed = parsePattern(text);
  return parsed.ok ? keyOf(parsed.value) : text;
}
