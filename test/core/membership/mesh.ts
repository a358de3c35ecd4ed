/**
 * A tiny network of membership machines: enough to see news spread, nodes crash and partitions heal. Every node has
 * standing links to all others it has met; messages take 1 to 5 ms and are never lost on a link that stands.
 */
import { Heap } from '../../../src/engine/core/base/heap.ts';
import type { Address, NodeId } from '../../../src/engine/core/base/ids.ts';
import { type Instant, NEVER } from '../../../src/engine/core/base/instant.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Membership, type MembershipEffect } from '../../../src/engine/core/membership/membership.ts';
import type { CargoRumor, MemberState } from '../../../src/engine/core/membership/messages.ts';
import { DEFAULT_MEMBERSHIP, type MembershipOptions } from '../../../src/engine/core/membership/options.ts';

interface Resident {
  readonly machine: Membership;
  readonly address: Address;
  readonly links: Set<NodeId>;
  /** What it knows of others' cargo, by id. */
  readonly cargo: Map<NodeId, CargoRumor>;
  readonly waiting: (() => void)[];
  running: boolean;
  pausedUntil: Instant;
  wakeAt: Instant;
}

export interface Happened {
  readonly at: Instant;
  readonly node: NodeId;
  readonly effect: MembershipEffect;
}

export class Mesh {
  readonly #prng: Prng;
  readonly #options: MembershipOptions;
  readonly #events = new Heap<{ readonly at: Instant; readonly go: () => void }>((a, b) => a.at - b.at);
  readonly #residents = new Map<NodeId, Resident>();
  readonly #owners = new Map<Address, NodeId>();
  #cut: (a: NodeId, b: NodeId) => boolean = () => false;
  #happened: Happened[] = [];
  now: Instant = 0;
  /** Messages sent so far. */
  messages = 0;

  constructor(seed: number, options: Partial<MembershipOptions> = {}) {
    this.#prng = new Prng(seed);
    this.#options = { ...DEFAULT_MEMBERSHIP, ...options };
  }

  /** Starts a node; with an id that ran before, its next life. */
  start(id: NodeId, of: { seeds?: readonly Address[]; address?: Address; epoch?: number } = {}): void {
    const { seeds = [], address = addressOf(id), epoch = 1 } = of;
    const cargo = new Map<NodeId, CargoRumor>();
    const machine = new Membership({
      self: id,
      prng: this.#prng.fork(),
      options: this.#options,
      cargo: {
        version: (about) => cargo.get(about)?.version ?? 0,
        body: (about) => cargo.get(about)?.body,
        weight: () => 1,
      },
    });
    const resident = { machine, address, links: new Set<NodeId>(), cargo, waiting: [], running: true };
    this.#residents.set(id, { ...resident, pausedUntil: 0, wakeAt: NEVER });
    this.#owners.set(address, id);
    machine.start(address, epoch * 2 ** 16, this.now);
    machine.seeds(seeds, this.now);
    this.describe(id, epoch * 2 ** 20, `${id} says hello`);
  }

  /** A node has another record about itself. */
  describe(id: NodeId, version: number, body: unknown): void {
    const resident = this.#resident(id);
    const rumor: CargoRumor = { kind: 'cargo', about: id, version, body };
    resident.cargo.set(id, rumor);
    this.act(id, () => resident.machine.spread(rumor, this.now));
  }

  machine(id: NodeId): Membership {
    return this.#resident(id).machine;
  }

  cargo(id: NodeId, about: NodeId): unknown {
    return this.#resident(id).cargo.get(about)?.body;
  }

  get running(): NodeId[] {
    return [...this.#residents].filter(([, resident]) => resident.running).map(([id]) => id);
  }

  /** How `id` sees `other`. */
  sees(id: NodeId, other: NodeId): MemberState | undefined {
    return this.machine(id).member(other)?.state;
  }

  /** Something happens at a node, now or when it wakes up. */
  act(id: NodeId, what: () => void): void {
    const resident = this.#resident(id);
    if (!resident.running) return;
    if (this.now < resident.pausedUntil) {
      resident.waiting.push(what);
    } else {
      what();
      this.#settle(id, resident);
    }
  }

  /** Ends without a word. `loud`: its machine still refuses connections, so that others notice; else there is silence. */
  crash(id: NodeId, { loud }: { loud: boolean }): void {
    const resident = this.#resident(id);
    resident.running = false;
    if (!loud) return;
    this.#owners.delete(resident.address);
    for (const other of resident.links) this.#unlink(other, id);
  }

  /** Runs nothing until then (SIGSTOP); links stand. */
  pause(id: NodeId, ms: number): void {
    const resident = this.#resident(id);
    resident.pausedUntil = this.now + ms;
    this.#at(resident.pausedUntil, () => {
      this.#tick(id, resident);
      for (const what of resident.waiting.splice(0)) this.act(id, what);
    });
  }

  /** Messages between the groups get lost, silently, and links between them break after a while. */
  cut(...groups: readonly (readonly NodeId[])[]): void {
    const groupOf = (id: NodeId) => groups.findIndex((group) => group.includes(id));
    this.#cut = (a, b) => groupOf(a) !== groupOf(b);
    this.#at(this.now + 5_000, () => {
      for (const [id, { links }] of this.#residents) {
        for (const other of links) if (this.#cut(id, other)) this.#unlink(id, other);
      }
    });
  }

  heal(): void {
    this.#cut = () => false;
  }

  run(ms: number): void {
    const until = this.now + ms;
    for (let event = this.#events.peek(); event !== undefined && event.at <= until; event = this.#events.peek()) {
      this.#events.pop();
      this.now = event.at;
      event.go();
    }
    this.now = until;
  }

  /** What the machines told the rest of their nodes since the last call. */
  happened(): Happened[] {
    const happened = this.#happened;
    this.#happened = [];
    return happened;
  }

  #resident(id: NodeId): Resident {
    const resident = this.#residents.get(id);
    if (resident === undefined) throw new Error(`there is no node ${id}`);
    return resident;
  }

  #at(at: Instant, go: () => void): void {
    this.#events.push({ at, go });
  }

  #settle(id: NodeId, resident: Resident): void {
    for (const effect of resident.machine.drain()) {
      if (effect.kind === 'send') this.#send(id, effect);
      else if (effect.kind === 'contact') this.#contact(id, effect.address);
      else if (effect.kind === 'cargo') this.#keep(resident, effect);
      else this.#happened.push({ at: this.now, node: id, effect });
      if (effect.kind === 'gone') resident.running = false;
      if (effect.kind === 'changed' && effect.member.state === 'alive') this.#contact(id, effect.member.address);
    }
    const due = resident.machine.deadline();
    if (due >= resident.wakeAt || due === NEVER) return;
    resident.wakeAt = due;
    this.#at(due, () => {
      if (resident.wakeAt !== due) return;
      resident.wakeAt = NEVER;
      this.#tick(id, resident);
    });
  }

  #tick(id: NodeId, resident: Resident): void {
    if (!resident.running || this.now < resident.pausedUntil) return;
    resident.machine.advance(this.now);
    resident.wakeAt = NEVER;
    this.#settle(id, resident);
  }

  #send(from: NodeId, { to, address, message }: MembershipEffect & { kind: 'send' }): void {
    this.messages++;
    const other = this.#residents.get(to);
    if (other !== undefined && this.#cut(from, to)) return;
    const isLinked = this.#resident(from).links.has(to);
    if (other === undefined || (!isLinked && this.#owners.get(other.address) !== to)) {
      this.#at(this.now + 1, () => this.act(from, () => this.machine(from).unreachable(to, this.now)));
      return;
    }
    if (!isLinked && address === undefined) throw new Error(`${from} cannot find ${to}`);
    this.#link(from, to);
    this.#at(this.now + this.#prng.between(1, 5), () =>
      this.act(to, () => other.machine.receive(from, message, this.now)),
    );
  }

  #contact(from: NodeId, address: Address): void {
    const owner = this.#owners.get(address);
    if (owner === undefined || owner === from || this.#cut(from, owner) || !this.#resident(owner).running) return;
    this.#at(this.now + 1, () => this.#link(from, owner));
  }

  #keep(resident: Resident, { about, version, body }: MembershipEffect & { kind: 'cargo' }): void {
    const rumor: CargoRumor = { kind: 'cargo', about, version, body };
    resident.cargo.set(about, rumor);
    resident.machine.spread(rumor, this.now);
  }

  #link(from: NodeId, to: NodeId): void {
    const ends = [from, to].map((id) => ({ id, resident: this.#resident(id) }));
    if (!ends.every(({ resident }) => resident.running)) return;
    for (const { id, resident } of ends) {
      const peer = id === from ? to : from;
      if (resident.links.has(peer)) continue;
      resident.links.add(peer);
      const address = this.#resident(peer).address;
      this.#at(this.now + 1, () => this.act(id, () => resident.machine.met(peer, address, this.now)));
      this.#neighbours(id, resident);
    }
  }

  #unlink(from: NodeId, to: NodeId): void {
    const resident = this.#resident(from);
    if (!resident.links.delete(to)) return;
    this.#neighbours(from, resident);
    this.#at(this.now + 1, () => this.act(from, () => resident.machine.lost(to, this.now)));
  }

  #neighbours(id: NodeId, resident: Resident): void {
    this.#at(this.now + 1, () => this.act(id, () => resident.machine.neighbours([...resident.links], this.now)));
  }
}

export function addressOf(id: NodeId): Address {
  return `ws://${id}:1`;
}
