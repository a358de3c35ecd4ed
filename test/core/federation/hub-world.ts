import type { NodeId } from '../../../src/engine/core/base/ids.ts';
import type { Over } from '../../../src/engine/core/base/over.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import type { FederationEffect, FederationEvent } from '../../../src/engine/core/federation/effects.ts';
import { Federation } from '../../../src/engine/core/federation/federation.ts';
import {
  DEFAULT_FEDERATION_OPTIONS,
  type FederationConfig,
  type FederationOptions,
} from '../../../src/engine/core/federation/options.ts';

/** What travels between hubs here. */
export interface Letter {
  readonly kind: 'letter';
  readonly text: string;
  readonly over?: Over;
}

export interface Birth {
  readonly id: NodeId;
  readonly cluster: string;
  readonly region?: string;
  readonly links?: readonly string[];
  readonly mode?: FederationConfig['mode'];
  readonly breaker?: FederationConfig['breaker'];
}

interface Hub {
  readonly birth: Birth;
  readonly config: FederationConfig;
  machine: Federation<Letter>;
  life: number;
  up: boolean;
}

interface Wire {
  readonly ends: readonly [Hub, Hub];
  /** The number that each end knows it by. */
  readonly links: readonly [number, number];
  open: boolean;
}

/** Hubs that talk over links with latencies, in simulated time. Links are in order; a broken one loses what is on it. */
export class HubWorld {
  readonly hubs = new Map<NodeId, Hub>();
  readonly delivered: { readonly at: NodeId; readonly from: NodeId; readonly text: string; readonly passed: number }[] =
    [];
  readonly undelivered: { readonly by: NodeId; readonly text: string }[] = [];
  readonly parted: { readonly by: NodeId; readonly hub: NodeId }[] = [];
  readonly lost: { readonly by: NodeId; readonly hub: NodeId }[] = [];
  readonly events: { readonly by: NodeId; readonly event: FederationEvent }[] = [];
  messages = 0;
  now = 0;
  readonly #events: { at: number; n: number; act: () => void }[] = [];
  readonly #wires = new Set<Wire>();
  readonly #cuts = new Set<string>();
  readonly #latency: (a: Birth, b: Birth) => number;
  readonly #options: FederationOptions;
  #n = 0;
  #nextLink = 1;

  constructor(
    births: readonly Birth[],
    latency: (a: Birth, b: Birth) => number = () => 10,
    options: Partial<FederationOptions> = {},
  ) {
    this.#latency = latency;
    this.#options = { ...DEFAULT_FEDERATION_OPTIONS, ...options };
    for (const birth of births) {
      const config = configOf(birth, births);
      const machine = this.#machine(birth, config, 1);
      this.hubs.set(birth.id, { birth, config, life: 1, machine, up: true });
    }
    for (const hub of this.hubs.values()) this.#begin(hub);
  }

  hub(id: NodeId): Federation<Letter> {
    return this.#hub(id).machine;
  }

  send(from: NodeId, to: NodeId, text: string): void {
    this.#do(this.#hub(from), (machine) => machine.send(to, { kind: 'letter', text }, this.now));
  }

  /** Ends a hub without a word. */
  kill(id: NodeId): void {
    const hub = this.#hub(id);
    hub.up = false;
    for (const wire of this.#wires) if (wire.ends.includes(hub)) this.#break(wire, 'it was killed');
    this.#tellSiblings();
  }

  restart(id: NodeId): void {
    const hub = this.#hub(id);
    hub.life++;
    hub.machine = this.#machine(hub.birth, hub.config, hub.life);
    hub.up = true;
    this.#begin(hub);
  }

  /** Nothing passes between two clusters any more: what is sent vanishes, and nobody is told. */
  cut(a: string, b: string): void {
    this.#cuts.add(`${a} ${b}`).add(`${b} ${a}`);
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(`${a} ${b}`);
    this.#cuts.delete(`${b} ${a}`);
  }

  run(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.#next();
      if (next > until) break;
      this.now = Math.max(this.now, next);
      while (this.#events[0] !== undefined && this.#events[0].at <= this.now) this.#events.shift()?.act();
      for (const hub of this.hubs.values()) {
        if (hub.up && hub.machine.deadline() <= this.now) this.#do(hub, (machine) => machine.advance(this.now));
      }
    }
    this.now = until;
  }

  #hub(id: NodeId): Hub {
    const hub = this.hubs.get(id);
    if (hub === undefined) throw new RangeError(`there is no hub ${id}`);
    return hub;
  }

  #next(): number {
    let next = this.#events[0]?.at ?? Number.POSITIVE_INFINITY;
    for (const { machine, up } of this.hubs.values()) if (up) next = Math.min(next, machine.deadline());
    return next;
  }

  #machine(birth: Birth, config: FederationConfig, life: number): Federation<Letter> {
    return new Federation<Letter>({
      about: { address: addressOf(birth), load: 0, name: birth.id, nodes: 3, software: '1.0.0', url: addressOf(birth) },
      config,
      options: this.#options,
      prng: new Prng(life * 1000 + birth.id.charCodeAt(0)),
      self: birth.id,
    });
  }

  #begin(hub: Hub): void {
    this.#do(hub, (machine) => machine.start(hub.life, this.now));
    this.#tellSiblings();
  }

  #tellSiblings(): void {
    for (const hub of this.hubs.values()) {
      if (!hub.up) continue;
      const others = [...this.hubs.values()].filter((other) => other.up && other.birth.cluster === hub.birth.cluster);
      const siblings = others.map(({ birth }) => ({ id: birth.id, name: birth.id }));
      this.#do(hub, (machine) => machine.siblings(siblings, this.now));
    }
  }

  #do(hub: Hub, act: (machine: Federation<Letter>) => void): void {
    act(hub.machine);
    for (const effect of hub.machine.drain()) this.#carryOut(hub, effect);
  }

  #carryOut(hub: Hub, effect: FederationEffect<Letter>): void {
    switch (effect.kind) {
      case 'dial':
        this.#dial(hub, effect.dial, effect.address);
        break;
      case 'close':
        for (const wire of this.#wires) if (this.#linkOf(wire, hub) === effect.link) this.#break(wire, effect.reason);
        break;
      case 'send':
        this.messages++;
        for (const wire of this.#wires) {
          if (this.#linkOf(wire, hub) === effect.link) this.#transmit(wire, hub, effect.message);
        }
        break;
      case 'tell': {
        const to = this.hubs.get(effect.to);
        const { message } = effect;
        this.messages++;
        if (to?.up) {
          this.#after(1, () => {
            if (to.up) this.#do(to, (machine) => machine.receive({ node: hub.birth.id }, message, this.now));
          });
        }
        break;
      }
      case 'deliver': {
        const { text, over } = effect.message;
        this.delivered.push({ at: hub.birth.id, from: effect.from, passed: over?.passed.length ?? 0, text });
        break;
      }
      case 'undelivered':
        this.undelivered.push({ by: hub.birth.id, text: effect.message.text });
        break;
      case 'parted':
        this.parted.push({ by: hub.birth.id, hub: effect.hub });
        break;
      case 'lost':
        this.lost.push({ by: hub.birth.id, hub: effect.hub });
        break;
      case 'event':
        this.events.push({ by: hub.birth.id, event: effect.event });
        break;
      case 'changed':
        break;
    }
  }

  #linkOf(wire: Wire, hub: Hub): number | undefined {
    return wire.links[wire.ends.indexOf(hub)];
  }

  #dial(from: Hub, dial: number, address: string): void {
    const to = [...this.hubs.values()].find(({ birth }) => addressOf(birth) === address);
    const cut = to !== undefined && this.#isCut(from, to);
    const wait = to === undefined || cut ? 1_000 : 2 * this.#latency(from.birth, to.birth);
    const life = from.life;
    this.#after(wait, () => {
      if (!from.up || from.life !== life) return;
      if (to === undefined || !to.up || cut) {
        this.#do(from, (machine) => machine.dialFailed(dial, 'nobody answers', this.now));
        return;
      }
      const wire: Wire = { ends: [from, to], links: [this.#nextLink++, this.#nextLink++], open: true };
      this.#wires.add(wire);
      this.#do(to, (machine) => machine.up(wire.links[1], peerOf(from.birth), undefined, this.now));
      if (wire.open) this.#do(from, (machine) => machine.up(wire.links[0], peerOf(to.birth), dial, this.now));
      else this.#do(from, (machine) => machine.dialFailed(dial, 'it was closed at once', this.now));
    });
  }

  #transmit(wire: Wire, from: Hub, message: unknown): void {
    const to = wire.ends[0] === from ? wire.ends[1] : wire.ends[0];
    const link = this.#linkOf(wire, to) as number;
    this.#after(this.#latency(from.birth, to.birth), () => {
      if (!wire.open || !to.up || this.#isCut(from, to)) return;
      this.#do(to, (machine) => machine.receive({ link }, message as Letter, this.now));
    });
  }

  #isCut(a: Hub, b: Hub): boolean {
    return this.#cuts.has(`${a.birth.cluster} ${b.birth.cluster}`);
  }

  #break(wire: Wire, reason: string): void {
    if (!wire.open) return;
    wire.open = false;
    this.#wires.delete(wire);
    for (const [i, hub] of wire.ends.entries()) {
      const link = wire.links[i] as number;
      this.#after(1, () => {
        if (hub.up) this.#do(hub, (machine) => machine.down(link, reason, this.now));
      });
    }
  }

  #after(ms: number, act: () => void): void {
    const event = { act, at: this.now + ms, n: this.#n++ };
    const i = this.#events.findLastIndex(({ at }) => at <= event.at);
    this.#events.splice(i + 1, 0, event);
  }
}

function configOf(birth: Birth, all: readonly Birth[]): FederationConfig {
  const links = (birth.links ?? []).map((cluster) => ({
    addresses: all.filter((other) => other.cluster === cluster).map(addressOf),
    cluster,
  }));
  return {
    breaker: birth.breaker ?? { failureThreshold: 5, successThreshold: 3, timeoutMs: 5_000 },
    identity: { cluster: birth.cluster, name: birth.cluster, region: birth.region ?? 'here', tags: [] },
    links,
    mode: birth.mode ?? 'explicit',
    version: 1,
  };
}

function addressOf(birth: Birth): string {
  return `ws://${birth.id.toLowerCase()}:9000`;
}

function peerOf(birth: Birth) {
  return { address: addressOf(birth), cluster: birth.cluster, id: birth.id, name: birth.id };
}
