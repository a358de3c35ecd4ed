/**
 * The laws of alerts that any hub of a cluster may tell: of other clusters, and of the whole.
 *
 * Safety: a hub that knows that an alert was told does not tell it again before it was told to be over, and its end once. It
 * knows what it told itself, also in its next life where that was stored, and what another hub knows that it could talk to for a while.
 * Liveness: in a settled world, what fires was told, and what was told to fire, and some hub knows of it, either is still so or is told to be over.
 */
import type { Instant } from '../../core/base/instant.ts';
import type { AlertsWatcher } from '../hub-watch.ts';
import type { SimProcess } from '../process.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { who } from './membership.ts';

type Notice = Parameters<AlertsWatcher['alertTold']>[1];

/** One alert of one cluster on one channel, as its readers saw it last. */
interface Story {
  readonly cluster: string;
  readonly alert: string;
  readonly channel: string;
  readonly fires: boolean;
  /** The hubs that know that, and since when; the places that have stored it. */
  readonly knowing: Map<SimProcess, Instant>;
  readonly stored: Set<number>;
}

/** Hubs that could talk for so long have told each other what they know; membership and storms have their say, too. */
const TALK_MS = 8_000;
const TURN_MS = 1_000;

export class AlertsChecker extends Checker {
  readonly #world: () => World;
  readonly #stories = new Map<string, Story>();
  /** `a b`, places: since when both could talk. */
  readonly #talking = new Map<string, Instant>();
  #turnAt: Instant = 0;

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override started(process: SimProcess): void {
    for (const { knowing, stored } of this.#stories.values()) {
      if (stored.has(process.place)) knowing.set(process, this.#world().timeline.now);
    }
  }

  override queueWiped(place: number): void {
    for (const { stored } of this.#stories.values()) stored.delete(place);
  }

  override alertLeaves(process: SimProcess, notice: Notice): void {
    const { change } = notice.notification;
    for (const story of this.#storiesOf(process, notice)) {
      if (story === undefined || !story.knowing.has(process)) continue;
      const says = () =>
        `${who(process)} tells ${story.channel} that ${story.alert} is ${change}; it knows that it was`;
      law(change !== 'firing' || !story.fires, 'an alert is told once', says);
      law(change !== 'resolved' || story.fires, 'the end of an alert is told once', says);
    }
  }

  override alertTold(process: SimProcess, notice: Notice): void {
    const { alerts, change } = notice.notification;
    for (const { id } of alerts) {
      const about = { alert: id, channel: notice.channel.name, cluster: process.cluster };
      const story: Story = { ...about, fires: change !== 'resolved', knowing: new Map(), stored: new Set() };
      this.#stories.set(keyOf(process, id, notice), story);
    }
  }

  override alertKnown(process: SimProcess, notice: Notice): void {
    const fires = notice.notification.change !== 'resolved';
    for (const story of this.#storiesOf(process, notice)) {
      if (story?.fires === fires) story.knowing.set(process, this.#world().timeline.now);
    }
  }

  override alertsStored(process: SimProcess): void {
    for (const { knowing, stored } of this.#stories.values()) if (knowing.has(process)) stored.add(process.place);
  }

  /** What hubs tell each other. */
  override inspect(): void {
    const { hubWatches, timeline } = this.#world();
    if (this.#stories.size === 0 || timeline.now < this.#turnAt) return;
    this.#turnAt = timeline.now + TURN_MS;
    const hubs = hubWatches.living.map(({ process }) => process);
    for (const a of hubs) for (const b of hubs) if (a !== b && a.cluster === b.cluster) this.#talk(a, b);
  }

  override unsettled(): string | undefined {
    const watches = this.#world().hubWatches.living;
    for (const { process, views } of watches) {
      const untold = views.find(({ state, told }) => (state === 'firing' && told.length === 0) || state === 'resolved');
      if (untold !== undefined) return `${who(process)} is still to tell that ${untold.id} is ${untold.state}`;
    }
    for (const { alert, channel, cluster, fires, knowing } of this.#stories.values()) {
      const isKnown = [...knowing.keys()].some(({ alive }) => alive);
      if (!fires || !isKnown) continue;
      const speaker = watches.find(({ process }) => process.cluster === cluster && process.federation?.speaks);
      const goesOn = speaker?.views.some(({ id, told }) => id === alert && told.includes(channel));
      if (!goesOn) return `${channel} was told by ${cluster} that ${alert} fires, and nobody looks at that any more`;
    }
    return undefined;
  }

  #talk(a: SimProcess, b: SimProcess): void {
    const world = this.#world();
    const { now } = world.timeline;
    const key = `${a.place}.${a.life} ${b.place}.${b.life}`;
    if (!world.hubWatches.canTalk(a, b)) {
      this.#talking.delete(key);
      return;
    }
    const since = this.#talking.get(key) ?? now;
    this.#talking.set(key, since);
    for (const { cluster, knowing } of this.#stories.values()) {
      const known = cluster === a.cluster ? knowing.get(a) : undefined;
      if (known !== undefined && !knowing.has(b) && now - Math.max(since, known) > TALK_MS) knowing.set(b, now);
    }
  }

  #storiesOf(process: SimProcess, notice: Notice): readonly (Story | undefined)[] {
    return notice.notification.alerts.map(({ id }) => this.#stories.get(keyOf(process, id, notice)));
  }
}

function keyOf({ cluster }: SimProcess, alert: string, { channel }: Notice): string {
  return `${cluster} ${alert} ${channel.name}`;
}
