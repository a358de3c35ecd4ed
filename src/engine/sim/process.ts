/**
 * One life of one node: from the start of its process to its end. It gives a real `Node` inputs and carries out its
 * effects, and it can be stopped for a while, as SIGSTOP, a laptop's lid or a starved machine would.
 *
 * Invariants:
 * - a node is stepped only while its process is awake; what comes in meanwhile waits, in order;
 * - effects are carried out in the order in which they were decided, right after the step, by a process that lives;
 * - once ended, nothing reaches the node any more.
 */

import { assert } from '../core/base/assert.ts';
import type { DialId, LinkId } from '../core/base/ids.ts';
import { type Instant, NEVER } from '../core/base/instant.ts';
import type { Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { Prng } from '../core/base/prng.ts';
import type { HubPeer, Peer } from '../core/links/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { Message, NodeInput } from '../core/node/inputs.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { QueueCommand, QueueReply } from '../core/queues/messages.ts';
import { isFlow } from '../core/topics/message-kinds.ts';
import type { FlowMessage } from '../core/topics/messages.ts';
import type { SimClock } from './clock.ts';
import type { SimDisk } from './disk.ts';
import { type RunEffect, SimFunctions } from './functions.ts';
import type { Birth, NodeMachine } from './machine.ts';
import { answered, SimLog } from './message-log.ts';
import type { Network } from './network.ts';
import { ProcessQueues } from './process-queues.ts';
import type { SimQueueDisk } from './queue-disk.ts';
import type { ScenarioEvent } from './scenario.ts';
import { SimFlow } from './sim-flow.ts';
import type { Endpoint } from './stream.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

type KeepEvent = Extract<ScenarioEvent, { readonly kind: 'keep' }>;

export interface ProcessParts {
  readonly place: number;
  /** How often this place has been started. */
  readonly life: number;
  readonly birth: Birth;
  readonly machine: NodeMachine;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly disk: SimDisk;
  readonly queues: SimQueueDisk;
  /** What the calendar says as it begins. */
  readonly wallMs: number;
  /** Of kept topics. */
  readonly log: SimLog;
  readonly clock: SimClock;
  readonly prng: Prng;
  readonly trace: Trace;
  /** What may wait for one other node, in messages; absent: as nodes have it. */
  readonly nodeMessagesMax: number | undefined;
  /** After every step, before its effects are carried out. */
  readonly stepped: (process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]) => void;
  /** A function really begins, and really ends: not where the node's place refused to run it. */
  readonly began: (process: SimProcess, run: RunEffect, version: string) => void;
  readonly ended: (process: SimProcess, run: RunEffect, outcome: Outcome<Payload>) => void;
  /** It takes a message of a topic, which is not carried out yet; it puts one onto a link. */
  readonly took: (process: SimProcess, link: LinkId, peer: Peer, message: FlowMessage) => void;
  readonly put: (process: SimProcess, link: LinkId, message: Message) => void;
  /** Somebody asks a queue of it from afar; it answers. */
  readonly queueAsked: (process: SimProcess, run: RunEffect, command: QueueCommand) => void;
  readonly queueAnswered: (process: SimProcess, command: QueueCommand, outcome: Outcome<QueueReply>) => void;
  /** The node has said that it is done. */
  readonly stopped: (process: SimProcess) => void;
}

/** Advancing so often within one instant means that `deadline()` never moves. */
const ADVANCES_MAX = 1_000;
const INBOX_MAX = 200_000;
const NODE_BYTES = 16 * 1024 * 1024;

export class SimProcess implements Endpoint {
  readonly place: number;
  readonly life: number;
  readonly birth: Birth;
  readonly peer: Peer;
  readonly cluster: string;
  readonly hub?: HubPeer;
  readonly topics: SimFlow;
  /** What it keeps in memory. */
  readonly memory: SimLog;
  readonly #parts: ProcessParts;
  readonly #functions: SimFunctions;
  readonly #queues: ProcessQueues;
  readonly #who: string;
  #inbox: (() => void)[] = [];
  #asleepUntil: Instant = 0;
  #alarmAt: Instant = NEVER;
  #advances = 0;
  #advancedAt: Instant = -1;
  #alive = true;
  /** What is put onto links because of the message of a topic that is being taken. */
  #putting: NodeEffect[] | undefined;

  constructor(parts: ProcessParts) {
    const { birth, timeline, prng } = parts;
    this.#parts = parts;
    this.place = parts.place;
    this.life = parts.life;
    this.birth = birth;
    this.peer = { address: birth.address, id: birth.id, name: birth.name, role: 'peer' };
    const { address, cluster, hub, id, name } = birth;
    this.cluster = cluster;
    if (hub !== undefined) this.hub = { address, cluster, id, name, role: 'hub' };
    this.#who = `${birth.name}.${parts.life}`;
    this.#functions = new SimFunctions(timeline, prng, birth.functions, {
      began: (run, version) => parts.began(this, run, version),
      ended: (run, outcome, ran) => this.#ran(run, outcome, ran),
      item: ({ task }, payload) => this.give({ kind: 'item', payload, task }),
    });
    this.#queues = new ProcessQueues({
      answered: (command, outcome) => parts.queueAnswered(this, command, outcome),
      asked: (run, command) => parts.queueAsked(this, run, command),
      disk: parts.queues,
      hear: (then) => this.answer(then),
      ran: (task, outcome) => timeline.after(0, () => this.give({ kind: 'ran', outcome, task })),
      step: (input) => this.#step({ input, kind: 'queue' }),
    });
    const { clock, log, machine, network, nodeMessagesMax: messagesMax } = parts;
    this.memory = new SimLog(timeline, new Prng(birth.seed), () => [0, 0]);
    this.topics = new SimFlow({
      disk: answered(log, (then) => this.answer(then)),
      input: (input) => this.give(input),
      later: (ms, then) => timeline.after(ms, () => this.answer(then)),
      life: this.#who,
      machine,
      memory: answered(this.memory, (then) => this.answer(then)),
      network,
      put: (link, message) => this.#put(link, message),
      stored: log.stored,
      took: (link, peer, message) => parts.took(this, link, peer, message),
      wallClock: () => clock.local(timeline.now),
      ...(messagesMax === undefined ? {} : { nodeLimits: { bytesMax: NODE_BYTES, messagesMax, policy: 'block' } }),
    });
  }

  get exchange(): NodeMachine['exchange'] {
    return this.#parts.machine.exchange;
  }

  get federation(): NodeMachine['federation'] {
    return this.#parts.machine.federation;
  }

  /** By the clock of its machine. */
  get localNow(): Instant {
    return this.#parts.clock.local(this.#parts.timeline.now);
  }

  get alive(): boolean {
    return this.#alive;
  }

  get asleep(): boolean {
    return this.#asleepUntil > this.#parts.timeline.now;
  }

  snapshot(): NodeSnapshot {
    return this.#parts.machine.snapshot(this.#parts.clock.local(this.#parts.timeline.now));
  }

  /** Begins, with what the disk remembers of the last life. */
  start(): void {
    this.#parts.network.listen(this.birth.address, this);
    this.topics.flow.kept.keeper.announce();
    this.give({ epoch: Number(this.#parts.disk.read('epoch') ?? 0), kind: 'start' });
    const { queues, wallMs } = this.#parts;
    this.give({ input: { kind: 'opened', ...queues.tables.opened, wallMs }, kind: 'queue' });
  }

  give(input: NodeInput): void {
    this.answer(() => this.#step(input));
  }

  answer(then: () => void): void {
    if (!this.#alive) return;
    if (!this.asleep && this.#inbox.length === 0) then();
    else {
      this.#inbox.push(then);
      assert(this.#inbox.length <= INBOX_MAX, 'what waits for a sleeping process is bounded');
    }
  }

  linkUp(link: LinkId, peer: Peer, dial: DialId | undefined): void {
    this.answer(() => {
      this.topics.opened(link, peer);
      this.#step({ kind: 'link-up', link, peer, ...(dial === undefined ? {} : { dial }) });
    });
  }

  linkDown(link: LinkId, reason: string): void {
    this.answer(() => {
      this.topics.closed(link);
      this.#step({ kind: 'link-down', link, reason });
    });
  }

  dialFailed(dial: DialId, refused: boolean, reason: string): void {
    this.give({ dial, kind: 'dial-failed', reason, refused });
  }

  message(link: LinkId, message: Message): void {
    this.answer(() => {
      if (!this.#takeFlow(link, message)) this.#step({ kind: 'message', link, message });
    });
  }

  drained(link: LinkId): void {
    this.answer(() => this.topics.drained(link));
  }

  /** `then` is called once: with the answer, or with nothing where the process ended before. */
  askQueue(command: QueueCommand, then: (outcome: Outcome<QueueReply> | undefined) => void): number {
    return this.#queues.ask(command, then);
  }

  /** True where nobody had answered. */
  cancelQueue(request: number): boolean {
    return this.#alive && !this.asleep && this.#queues.cancel(request);
  }

  get queuesLife(): number {
    return this.#queues.life;
  }

  /** Offers other functions from now on, and says so. */
  describe(functions: Birth['functions']): void {
    this.#functions.offer(functions);
    this.give({ kind: 'describe', self: { functions } });
  }

  /** Somebody has it keep what matches a pattern. */
  keep({ countMax, memory, pattern }: Pick<KeepEvent, 'countMax' | 'memory' | 'pattern'>): void {
    const options = { ...(countMax !== undefined && { countMax }), ...(memory !== undefined && { memory }) };
    this.answer(() => this.topics.flow.kept.keeper.keep(pattern, options, () => {}));
  }

  /** Stops the process until then. */
  sleepUntil(until: Instant): void {
    this.#asleepUntil = Math.max(this.#asleepUntil, until);
    this.#parts.timeline.at(until, () => this.#wake());
  }

  /** Ends a pause at once. */
  rouse(): void {
    this.#asleepUntil = this.#parts.timeline.now;
    this.#wake();
  }

  /** Ends without a word. */
  end(): void {
    this.#alive = false;
    this.#inbox = [];
    this.#crash();
    this.#parts.network.vanish(this);
  }

  /** What is on its way to the disks may get there, or not. */
  #crash(): void {
    this.#parts.disk.crash();
    this.#parts.log.crash();
    this.#queues.crash();
  }

  #ran(run: RunEffect, outcome: Outcome<Payload>, ran: boolean): void {
    if (!this.#alive) return;
    if (ran) this.#parts.ended(this, run, outcome);
    this.give({ kind: 'ran', outcome, task: run.task });
  }

  /** Messages of topics do not go through the node. In the trace they look as if they did. */
  #takeFlow(link: LinkId, message: Message): boolean {
    if (!isFlow(message)) return false;
    const { clock, timeline, trace } = this.#parts;
    this.#putting = [];
    const taken = this.topics.take(link, message);
    if (taken) {
      const local = clock.local(timeline.now);
      trace.step(timeline.now, this.#who, local, { kind: 'message', link, message }, this.#putting);
      trace.stepped();
    }
    this.#putting = undefined;
    return taken;
  }

  #put(link: LinkId, message: Message): void {
    this.#putting?.push({ kind: 'send', link, message });
    this.#parts.put(this, link, message);
  }

  #wake(): void {
    if (this.asleep || !this.#alive) return;
    // Why: a process that was stopped sees either its timers or its sockets first; both happen.
    if (this.#parts.prng.chance(0.5)) this.#alarm();
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const act of inbox) this.answer(act);
    this.#alarm();
  }

  #step(input: NodeInput): void {
    if (!this.#alive) return;
    const { machine, clock, timeline, trace } = this.#parts;
    const local = clock.local(timeline.now);
    const effects: NodeEffect[] = [];
    trace.step(timeline.now, this.#who, local, input, effects);
    machine.step(input, local);
    effects.push(...machine.drain());
    trace.stepped();
    this.#parts.stepped(this, input, effects);
    for (const effect of effects) if (this.#alive) this.#carryOut(effect);
    if (this.#alive) this.#arm();
  }

  #arm(): void {
    const { machine, clock, timeline } = this.#parts;
    const at = Math.max(clock.world(machine.deadline()), timeline.now);
    if (at >= this.#alarmAt || at >= NEVER) return;
    this.#alarmAt = at;
    timeline.at(at, () => {
      if (this.#alarmAt !== at) return;
      this.#alarmAt = NEVER;
      this.#alarm();
    });
  }

  #alarm(): void {
    if (this.asleep || !this.#alive) return;
    const { machine, clock, timeline } = this.#parts;
    if (machine.deadline() > clock.local(timeline.now)) {
      this.#arm();
      return;
    }
    this.#advances = this.#advancedAt === timeline.now ? this.#advances + 1 : 0;
    this.#advancedAt = timeline.now;
    assert(this.#advances < ADVANCES_MAX, 'advance moves the deadline');
    this.#step({ kind: 'advance' });
  }

  #carryOut(effect: NodeEffect): void {
    const { network, disk } = this.#parts;
    switch (effect.kind) {
      case 'send':
        return network.send(effect.link, effect.message);
      case 'dial':
        return network.dial(this, effect.dial, effect.address, effect.as === 'hub');
      case 'close':
        return network.close(effect.link, effect.reason);
      case 'persist':
        return disk.commit(effect.writes, () => this.give({ fence: effect.fence, kind: 'persisted' }));
      case 'run':
        if (!this.#queues.run(effect)) this.#functions.run(effect);
        return;
      case 'abort':
        this.#queues.abort(effect.task);
        return this.#functions.abort(effect.task);
      case 'more':
        return this.#functions.more(effect.task, effect.items);
      case 'subscribed':
      case 'unsubscribed':
      case 'unforwarded':
        return this.topics.effect(effect);
      case 'queue':
        return this.#queues.carryOut(effect.effect);
      case 'notify':
        return;
      case 'stopped':
        this.#alive = false;
        this.#crash();
        network.closeAll(this, 'the node has left');
        return this.#parts.stopped(this);
    }
  }
}
