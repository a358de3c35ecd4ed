/**
 * The laws of topics as their users see them, at both ends.
 *
 * Safety: what arrives was published, and is what was published; it matches, and it comes once; what one publisher says
 * about one topic comes in order, to members of groups as long as none leaves and each message finds its way the first time; of a group, one member gets it in each cluster, or one after the other, until one is done: then each time it says which attempt it is.
 * Liveness: in a settled world a fresh message reaches exactly the live subscribers.
 */
import type { Payload } from '../../core/base/payload.ts';
import type { DeliverMessage } from '../../core/topics/messages.ts';
import type { Listening, Publication } from '../topics-client.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import type { TopicOracle } from './topic-oracle.ts';

export class TopicsChecker extends Checker {
  readonly #world: () => World;
  readonly #oracle: TopicOracle;
  readonly #stories = new Map<string, Story>();
  /** `by/seq` → the token of the message that it stands for. */
  readonly #names = new Map<string, string>();
  /** Of each listener, publisher and topic: the last that came. */
  readonly #last = new Map<Listening, Map<string, number>>();
  /** Messages that must reach exactly those who listen. */
  readonly #exams: Exam[] = [];
  /** Whether no member of a group leaves: what one could not be given, another gets later. */
  readonly #steady: boolean;
  #order = 0;

  constructor(world: () => World, oracle: TopicOracle, steady: boolean) {
    super();
    this.#world = world;
    this.#oracle = oracle;
    this.#steady = steady;
  }

  override publishing(publication: Publication): void {
    const story = { attempts: new Map(), done: new Map(), groups: new Map(), reached: new Set<Listening>() };
    this.#stories.set(publication.token, { ...story, order: ++this.#order, publication });
  }

  override delivered(listening: Listening, message: DeliverMessage): void {
    const { patterns, group } = listening.event;
    const groupOf = this.#groupOf(listening);
    const says = () => `${tell(listening)} got ${JSON.stringify(message)}`;
    const story = this.#stories.get(tokenOf(message.payload));
    law(story !== undefined, 'what is delivered was published', says);
    const { publication, reached } = story;
    const same = message.topic === publication.event.topic && message.payload.size === publication.payload.size;
    law(same, 'what is delivered is what was published', says);
    law(this.#oracle.anyMatches(patterns, message.topic), 'nothing is delivered without a match', says);
    this.#judgeName(message, publication, says);
    if (group !== undefined && message.tag !== undefined) {
      reached.add(listening);
      this.#judgeAttempt(groupOf, message, story, says);
      return;
    }
    law(!reached.has(listening), 'a subscription gets a message once', says);
    reached.add(listening);
    this.#judgeOrder(listening, story, says);
    if (group === undefined) return;
    const other = story.groups.get(groupOf);
    law(other === undefined, 'one member of a group gets a message', () => {
      return `${says()}; so did ${other === undefined ? 'nobody' : tell(other)}`;
    });
    story.groups.set(groupOf, listening);
  }

  override settled(listening: Listening, { payload }: DeliverMessage, done: boolean): void {
    const group = this.#groupOf(listening);
    const story = this.#stories.get(tokenOf(payload));
    if (story !== undefined && done) story.done.set(group, (story.done.get(group) ?? 0) + 1);
    else if (story !== undefined) story.refused = true;
  }

  /** That message must reach exactly those who listen now: not who has yet to notice that its node is gone. */
  examine({ client, token, event }: Publication): void {
    const world = this.#world();
    const of = this.#clusterOf(client) ?? '';
    const clients = [...world.topicsClients.values()].filter(({ where }) => world.isInReach(where));
    const all = clients.flatMap(({ listening }) => [...listening]);
    const matching = all.filter(({ event: { patterns } }) => this.#oracle.anyMatches(patterns, event.topic));
    const live = matching.filter(({ client: { where }, confirmed }) => {
      const by = world.place(where.node).plan.cluster ?? '';
      return confirmed && (by === of || world.policies.allow({ by, name: event.topic, of, what: 'topics' }));
    });
    const members = live.filter(({ event: { group } }) => group !== undefined);
    const groups = new Set(members.map((one) => this.#groupOf(one)));
    this.#exams.push({ groups, plain: live.filter((one) => one.event.group === undefined), token });
  }

  override unsettled(): string | undefined {
    for (const { groups, plain, token } of this.#exams) {
      const story = this.#stories.get(token);
      if (story?.publication.state === 'refused') {
        if (this.#keeperIsAway(story.publication.event.topic)) continue;
        return `${token} was refused, though all who keep its topic live`;
      }
      const missing = plain.find((one) => !story?.reached.has(one));
      if (missing !== undefined) return `${tell(missing)} has not got ${token}`;
      for (const group of groups) {
        const times = story?.groups.has(group) ? 1 : (story?.done.get(group) ?? 0);
        if (times !== 1) return `${times} of group ${group} are done with ${token}`;
      }
      const extra = [...(story?.reached ?? [])].find((one) => one.event.group === undefined && !plain.includes(one));
      if (extra !== undefined) return `${tell(extra)} has got ${token}, which came after it had gone`;
    }
    return undefined;
  }

  /** Of what members acknowledge: it may come again, but then it says so. */
  #judgeAttempt(group: string, { attempt = 1 }: DeliverMessage, story: Story, says: () => string): void {
    const attempts = story.attempts.get(group) ?? new Set<number>();
    story.attempts.set(group, attempts);
    law(!attempts.has(attempt), 'each attempt at a message comes once', says);
    attempts.add(attempt);
    const again = attempts.size > 1 && this.#steady && story.refused !== true;
    law(!again, 'without a fault or a refusal a message is not given out again', says);
  }

  /** Whether a message of a group had to be given out later than what was published after it. */
  get #rechosen(): boolean {
    return this.#world().living.some(({ topics }) => topics.flow.counters.rechosen > 0);
  }

  /** For good: then nobody may publish there and wait for an answer. */
  #keeperIsAway(topic: string): boolean {
    return this.#world().places.some(({ log, process }) => {
      const away = process?.alive ? [] : [...log.keeps.values()].map(({ definition }) => definition.pattern);
      return [...away, ...log.lost].some((pattern) => this.#oracle.matches(pattern, topic));
    });
  }

  /** Of each cluster, the members of one name are a group. */
  #groupOf({ client, event: { group = '' } }: Listening): string {
    const cluster = this.#clusterOf(client);
    return cluster === undefined ? group : `${group} of ${cluster}`;
  }

  #clusterOf({ where }: Publication['client']): string | undefined {
    return this.#world().place(where.node).plan.cluster;
  }

  #judgeName({ by, seq }: DeliverMessage, { token }: Publication, says: () => string): void {
    const name = `${by}/${seq}`;
    const known = this.#names.get(name);
    law(known === undefined || known === token, 'a publisher and a count name one message', () => {
      return `${says()}; ${name} was ${known}`;
    });
    this.#names.set(name, token);
  }

  #judgeOrder(listening: Listening, { order, publication }: Story, says: () => string): void {
    const { client, connection, event } = publication;
    const path = `${client.where.client} ${connection} ${event.topic}`;
    const last = this.#last.get(listening) ?? new Map<string, number>();
    this.#last.set(listening, last);
    const before = last.get(path) ?? 0;
    const moves = listening.event.group !== undefined && (!this.#steady || this.#rechosen);
    // Why not between clusters: the way there may become another one between two messages, and a quicker one.
    const afar = this.#clusterOf(listening.client) !== this.#clusterOf(client);
    law(order > before || moves || afar, 'what one publisher says about one topic comes in order', says);
    last.set(path, order);
  }
}

/** What became of one message. */
interface Story {
  readonly publication: Publication;
  readonly order: number;
  readonly reached: Set<Listening>;
  /** Who got it of each group whose members do not acknowledge. */
  readonly groups: Map<string, Listening>;
  /** Of the others, by group: the attempts that have come, and how many members have said that they are done. */
  readonly attempts: Map<string, Set<number>>;
  readonly done: Map<string, number>;
  /** A member has given it back. */
  refused?: boolean;
}

interface Exam {
  readonly token: string;
  readonly plain: readonly Listening[];
  readonly groups: ReadonlySet<string>;
}

/** By which a message is recognised wherever it is seen. */
export function tokenOf(payload: Payload): string {
  const value = payload.value();
  return value.ok ? String((value.value as { readonly token?: unknown } | null)?.token) : 'nothing';
}

/** A listener for a message: client 3 on node 1, for a.#. */
function tell({ client, event }: Listening): string {
  const { patterns, group } = event;
  const of = group === undefined ? '' : ` of group ${group}`;
  return `client ${client.where.client} on node ${client.where.node}, which listens to ${patterns.join(' ')}${of},`;
}
