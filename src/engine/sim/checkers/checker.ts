/** What judges a run: laws that must hold at every step, and conditions that must come true once faults have stopped. */

import type { LinkId } from '../../core/base/ids.ts';
import type { Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import type { Peer } from '../../core/links/messages.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { Message, NodeInput } from '../../core/node/inputs.ts';
import type { QueueCommand, QueueReply } from '../../core/queues/messages.ts';
import type { QueueTables } from '../../core/queues/tables.ts';
import type { DeliverMessage, FlowMessage, KeptMessage, PublishedMessage } from '../../core/topics/messages.ts';
import type { LogBatch } from '../../flow/message-log.ts';
import type { Ask } from '../client.ts';
import type { FarAsk } from '../far-queue-user.ts';
import type { RunEffect } from '../functions.ts';
import type { AlertsWatcher } from '../hub-watch.ts';
import type { KeepOnDisk } from '../message-log.ts';
import type { SimProcess } from '../process.ts';
import type { Listening, Publication } from '../topics-client.ts';
import type { SimReader } from '../topics-reader.ts';
import type { Watcher } from '../world.ts';

type Notice = Parameters<AlertsWatcher['alertTold']>[1];

/** A law of safety was broken: the run ends here. */
export class LawBroken extends Error {
  override readonly name = 'LawBroken';
  readonly law: string;

  constructor(law: string, message: string) {
    super(message);
    this.law = law;
  }
}

/** Throws where the law does not hold. `says`: who saw what. */
export function law(holds: boolean, name: string, says: () => string): asserts holds {
  if (!holds) throw new LawBroken(name, says());
}

/** Looks on and does nothing; each checker overrides what it needs. */
export class Checker implements Watcher {
  started(_process: SimProcess): void {}
  stepped(_process: SimProcess, _input: NodeInput, _effects: readonly NodeEffect[]): void {}
  ended(_process: SimProcess, _asked: boolean): void {}
  began(_process: SimProcess, _run: RunEffect, _version: string): void {}
  ran(_process: SimProcess, _run: RunEffect, _outcome: Outcome<Payload>): void {}
  asked(_ask: Ask): void {}
  streamed(_ask: Ask): void {}
  answered(_ask: Ask): void {}
  queueAsked(_place: number, _command: QueueCommand): void {}
  queueAnswered(_place: number, _life: string, _command: QueueCommand, _outcome: Outcome<QueueReply>): void {}
  alertLeaves(_process: SimProcess, _notice: Notice): void {}
  alertTold(_process: SimProcess, _notice: Notice): void {}
  alertKnown(_process: SimProcess, _notice: Notice): void {}
  alertsStored(_process: SimProcess): void {}
  farAsked(_ask: FarAsk): void {}
  farAnswered(_ask: FarAsk): void {}
  queueStored(_place: number, _tables: QueueTables): void {}
  queueWiped(_place: number): void {}
  took(_process: SimProcess, _link: LinkId, _peer: Peer, _message: FlowMessage): void {}
  put(_process: SimProcess, _link: LinkId, _message: Message): void {}
  stored(_keep: KeepOnDisk, _batch: LogBatch): void {}
  subscribing(_listening: Listening): void {}
  publishing(_publication: Publication): void {}
  published(_publication: Publication, _message: PublishedMessage): void {}
  delivered(_listening: Listening, _message: DeliverMessage): void {}
  missed(_listening: Listening, _count: number): void {}
  settled(_listening: Listening, _message: DeliverMessage, _done: boolean): void {}
  reading(_reader: SimReader, _next: number, _resumed: boolean): void {}
  kept(_reader: SimReader, _message: KeptMessage): void {}
  skipped(_reader: SimReader, _count: number): void {}
  acknowledged(_reader: SimReader, _sequence: number): void {}

  /** Looked at now and then, and after every step that changed something. */
  inspect(_process: SimProcess): void {}

  /** What is not yet as it must be once faults have stopped; undefined where all is well. */
  unsettled(): string | undefined {
    return undefined;
  }
}

/** All checkers as one. */
export class Checkers extends Checker {
  readonly #all: readonly Checker[];

  constructor(all: readonly Checker[]) {
    super();
    this.#all = all;
  }

  override started(process: SimProcess): void {
    for (const checker of this.#all) checker.started(process);
  }

  override stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    for (const checker of this.#all) checker.stepped(process, input, effects);
    if (effects.some(({ kind }) => kind === 'notify')) this.inspect(process);
  }

  override ended(process: SimProcess, asked: boolean): void {
    this.inspect(process);
    for (const checker of this.#all) checker.ended(process, asked);
  }

  override began(process: SimProcess, run: RunEffect, version: string): void {
    for (const checker of this.#all) checker.began(process, run, version);
  }

  override ran(process: SimProcess, run: RunEffect, outcome: Outcome<Payload>): void {
    for (const checker of this.#all) checker.ran(process, run, outcome);
  }

  override asked(ask: Ask): void {
    for (const checker of this.#all) checker.asked(ask);
  }

  override streamed(ask: Ask): void {
    for (const checker of this.#all) checker.streamed(ask);
  }

  override answered(ask: Ask): void {
    for (const checker of this.#all) checker.answered(ask);
  }

  override queueAsked(place: number, command: QueueCommand): void {
    for (const checker of this.#all) checker.queueAsked(place, command);
  }

  override queueAnswered(place: number, life: string, command: QueueCommand, outcome: Outcome<QueueReply>): void {
    for (const checker of this.#all) checker.queueAnswered(place, life, command, outcome);
  }

  override alertLeaves(process: SimProcess, notice: Notice): void {
    for (const checker of this.#all) checker.alertLeaves(process, notice);
  }

  override alertTold(process: SimProcess, notice: Notice): void {
    for (const checker of this.#all) checker.alertTold(process, notice);
  }

  override alertKnown(process: SimProcess, notice: Notice): void {
    for (const checker of this.#all) checker.alertKnown(process, notice);
  }

  override alertsStored(process: SimProcess): void {
    for (const checker of this.#all) checker.alertsStored(process);
  }

  override farAsked(ask: FarAsk): void {
    for (const checker of this.#all) checker.farAsked(ask);
  }

  override farAnswered(ask: FarAsk): void {
    for (const checker of this.#all) checker.farAnswered(ask);
  }

  override queueStored(place: number, tables: QueueTables): void {
    for (const checker of this.#all) checker.queueStored(place, tables);
  }

  override queueWiped(place: number): void {
    for (const checker of this.#all) checker.queueWiped(place);
  }

  override took(process: SimProcess, link: LinkId, peer: Peer, message: FlowMessage): void {
    for (const checker of this.#all) checker.took(process, link, peer, message);
  }

  override put(process: SimProcess, link: LinkId, message: Message): void {
    for (const checker of this.#all) checker.put(process, link, message);
  }

  override stored(keep: KeepOnDisk, batch: LogBatch): void {
    for (const checker of this.#all) checker.stored(keep, batch);
  }

  override subscribing(listening: Listening): void {
    for (const checker of this.#all) checker.subscribing(listening);
  }

  override publishing(publication: Publication): void {
    for (const checker of this.#all) checker.publishing(publication);
  }

  override published(publication: Publication, message: PublishedMessage): void {
    for (const checker of this.#all) checker.published(publication, message);
  }

  override delivered(listening: Listening, message: DeliverMessage): void {
    for (const checker of this.#all) checker.delivered(listening, message);
  }

  override missed(listening: Listening, count: number): void {
    for (const checker of this.#all) checker.missed(listening, count);
  }

  override settled(listening: Listening, message: DeliverMessage, done: boolean): void {
    for (const checker of this.#all) checker.settled(listening, message, done);
  }

  override reading(reader: SimReader, next: number, resumed: boolean): void {
    for (const checker of this.#all) checker.reading(reader, next, resumed);
  }

  override kept(reader: SimReader, message: KeptMessage): void {
    for (const checker of this.#all) checker.kept(reader, message);
  }

  override skipped(reader: SimReader, count: number): void {
    for (const checker of this.#all) checker.skipped(reader, count);
  }

  override acknowledged(reader: SimReader, sequence: number): void {
    for (const checker of this.#all) checker.acknowledged(reader, sequence);
  }

  override inspect(process: SimProcess): void {
    for (const checker of this.#all) checker.inspect(process);
  }

  override unsettled(): string | undefined {
    for (const checker of this.#all) {
      const why = checker.unsettled();
      if (why !== undefined) return why;
    }
    return undefined;
  }
}
