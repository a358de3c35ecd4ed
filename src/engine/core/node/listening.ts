import type { LinkId, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { NodeRecord } from '../directory/record.ts';
import { BloomFilter } from '../federation/bloom.ts';
import { interestOf, mayHear } from '../federation/interest.ts';
import type { TopicsAbroad } from '../topics/abroad.ts';
import type { TopicFilter } from '../topics/messages.ts';
import { isSystem } from '../topics/pattern.ts';
import type { FederationDoor } from './federation-door.ts';
import type { TopicsDoor } from './topics-door.ts';

/**
 * What clusters listen to, between the exchange of a hub and its federation:
 *
 *     exchange ── what this cluster's nodes listen to ──► federation ──► other clusters
 *     exchange ◄── what other clusters listen to ──────── federation       where this hub speaks for its cluster
 */
export class Listening {
  readonly #door: FederationDoor;
  readonly #topics: TopicsDoor;
  /** Of the exchange, when its interest was looked at last. */
  #generation = -1;
  #lookAt: Instant = NEVER;

  constructor(door: FederationDoor, topics: TopicsDoor) {
    this.#door = door;
    this.#topics = topics;
  }

  /** Cheap where nothing has changed. */
  look(now: Instant): void {
    const { exchange } = this.#topics;
    if (this.#door.machine === undefined || exchange === undefined || exchange.generation === this.#generation) return;
    this.#generation = exchange.generation;
    this.#lookAt = earlier(this.#lookAt, now + GATHER_MS);
  }

  /** Other clusters listen to something else, or another hub speaks for this one. */
  changed(now: Instant): void {
    const { machine } = this.#door;
    if (machine !== undefined) this.#topics.exchange?.bridge(machine.speaks ? machine.topics.interest : undefined, now);
  }

  deadline(): Instant {
    return this.#lookAt;
  }

  advance(now: Instant): void {
    if (now < this.#lookAt) return;
    this.#lookAt = NEVER;
    this.#door.listens(interestOf(ofUsers(this.#topics.exchange?.interests() ?? [])), now);
  }
}

/** What a hub's flow of topics asks of its federation. */
export function topicsAbroad(
  { machine }: FederationDoor,
  links: { linkTo(id: NodeId): LinkId | undefined },
  { cluster, id }: NodeRecord,
): TopicsAbroad | undefined {
  if (machine === undefined) return undefined;
  const { topics } = machine;
  return {
    admits: (of, topic) => topics.admits(of, topic),
    branches: (topic) => topics.branches(topic),
    branchTo: (other) => topics.branchTo(other),
    cluster,
    linkTo: (hub) => machine.linkTo(hub) ?? links.linkTo(hub),
    onward: (to, passed) => topics.onward(to, passed),
    self: id,
  };
}

/** Whether a filter of the federation affirms a topic; undefined for one that cannot be read. */
export function readFilter(filter: TopicFilter): ((topic: string) => boolean) | undefined {
  const bloom = BloomFilter.read(filter);
  return bloom === undefined ? undefined : (topic) => mayHear(bloom, topic);
}

/** The mesh's own topics stay in their cluster. */
function* ofUsers(patterns: Iterable<string>): Generator<string> {
  for (const pattern of patterns) if (!isSystem(pattern)) yield pattern;
}

/** Trade-off: longer is less talk between clusters where subscriptions come and go; shorter is heard sooner. */
const GATHER_MS = 250;
