/**
 * The functions `mpreg.queue.*`: what a node does with its queues for whoever asks.
 *
 * They are ordinary calls. `locs: ['queue:NAME']` brings them to the node that has the queue; every node has the functions
 * themselves. A receive ends with its call: when the call is taken back, nothing is received.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext, FunctionDefinition } from '../../api.ts';
import type { NodeSnapshot } from '../../core/node/snapshot.ts';
import type { StoredMessage } from '../../core/queues/effects.ts';
import type { QueueCommand, QueueReply, QueueView, Sent } from '../../core/queues/messages.ts';
import type { Place } from '../../core/queues/move.ts';
import type { QueueInfo } from '../../queues-api.ts';
import * as args from './arguments.ts';
import { unpackContent } from './content.ts';
import { LeasePacker } from './packed.ts';
import { nodeWith, placeOf } from './places.ts';
import { queueInfo } from './queue-info.ts';
import { followed, moveQueue, resumeQueue, takeParcel } from './queue-moves.ts';
import type { Delivered, QueuesHost } from './queues-host.ts';

export interface QueueFunctionsParts {
  readonly queues: () => QueuesHost;
  readonly snapshot: () => NodeSnapshot;
}

export function queueFunctions(parts: QueueFunctionsParts): readonly FunctionDefinition[] {
  const self = new QueueFunctions(parts);
  const named = (what: string, run: (this: CallContext, argument: unknown) => Promise<unknown>): FunctionDefinition => {
    const name = `mpreg.queue.${what}`;
    return {
      name,
      run(this: CallContext, argument: unknown) {
        return followed(() => run.call(this, argument), name, argument, this.call);
      },
    } as FunctionDefinition;
  };
  return [
    named('create', function (argument) {
      return self.create(argument, this);
    }),
    named('receive', function (argument) {
      return self.receive(argument, this.signal);
    }),
    named('edit', (argument) => self.edit(argument)),
    named('delete', (argument) => self.named('delete', argument).then(() => null)),
    named('list', () => self.list()),
    named('info', (argument) => self.info(argument)),
    named('sources', (argument) => self.sources(argument)),
    named('send', (argument) => self.send(argument)),
    named('ack', (argument) => self.ack(argument)),
    named('nack', (argument) => self.nack(argument)),
    named('extend', (argument) => self.extend(argument)),
    named('release', (argument) => self.release(argument)),
    named('peek', (argument) => self.peek(argument)),
    named('purge', (argument) => self.purge(argument)),
    named('redrive', (argument) => self.redrive(argument)),
    named('redrive.cancel', (argument) => self.cancelRedrive(argument)),
    named('subscribe', (argument) => self.subscribe('subscribe', argument)),
    named('unsubscribe', (argument) => self.subscribe('unsubscribe', argument)),
    named('move', function (argument) {
      return moveQueue(argument, parts, this.call);
    }),
    named('resume', function (argument) {
      return resumeQueue(argument, parts, this.call);
    }),
    named('take', (argument) => takeParcel(argument, parts.queues())),
  ];
}

class QueueFunctions {
  readonly #parts: QueueFunctionsParts;

  constructor(parts: QueueFunctionsParts) {
    this.#parts = parts;
  }

  /** Where it is wanted, and only where no other node has a queue of the name: what that one has is told then. */
  async create(argument: unknown, context: CallContext): Promise<QueueInfo> {
    const { name, place, ...options } = args.plain(argument, 'the argument');
    const queue = args.text(name, 'name');
    const where = args.textOrNone(place, 'place');
    const node = where === HERE ? undefined : this.#placeOf(queue, where, options['deadLetter']);
    if (node === undefined || node.id === this.#parts.snapshot().id)
      return this.#info(await this.#ask({ kind: 'create', options, queue }));
    const there = { ...options, name: queue, place: HERE };
    const made = (await context.call.with({ node: node.id })('mpreg.queue.create', there)) as QueueInfo;
    await this.#heardOf(queue, context.signal);
    return made;
  }

  /** Why it is waited for: who made a queue uses it next, and asks this node where it is. */
  async #heardOf(queue: string, signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; waitedMs < HEARD_MS && !signal.aborted; waitedMs += LOOK_MS) {
      if (nodeWith(queue, this.#parts.snapshot()) !== undefined) return;
      await pause(LOOK_MS);
    }
  }

  /** Undefined: the node that is asked. Why not apart from its dead letters: they go to a queue of the same node. */
  #placeOf(queue: string, where: string | undefined, deadLetter: unknown): Place | undefined {
    const snapshot = this.#parts.snapshot();
    const { id, record } = snapshot;
    if (record.resources.includes(`queue:${queue}`)) return undefined;
    const there = nodeWith(queue, snapshot);
    if (there !== undefined) return there;
    const letters = deadLetter === undefined ? `${queue}.dead` : deadLetter;
    const theirs = typeof letters === 'string' ? nodeWith(letters, snapshot) : undefined;
    if (where === undefined || where === 'any') {
      if (theirs !== undefined || where === undefined) return theirs;
    }
    const isHere = where.includes('=') && record.resources.includes(where);
    const place = isHere ? { id, name: record.name } : placeOf(queue, where, snapshot);
    if (theirs === undefined || theirs.id === place.id) return place;
    const text = `${queue} cannot be on ${place.name}: the queue of its dead letters, ${letters}, is on ${theirs.name}`;
    throw args.invalid(text);
  }

  async edit(argument: unknown): Promise<QueueInfo> {
    const { queue, options } = args.given(argument, ['queue', 'options']);
    const name = args.text(queue, 'queue');
    const given = args.plain(options, 'options');
    const { deadLetter } = given;
    const { record, ...snapshot } = this.#parts.snapshot();
    const letters = typeof deadLetter === 'string' ? nodeWith(deadLetter, snapshot) : undefined;
    if (letters !== undefined && letters.id !== snapshot.id && !record.resources.includes(`queue:${deadLetter}`)) {
      const where = `${name} is on ${record.name}, and ${deadLetter} on ${letters.name}`;
      throw args.invalid(`dead letters go to a queue of the same node: ${where}`);
    }
    return this.#info(await this.#ask({ kind: 'edit', options: given, queue: name }));
  }

  async list(): Promise<readonly QueueInfo[]> {
    const { views } = await this.#ask({ kind: 'list' });
    return Promise.all(views.map((view) => this.#infoOf(view)));
  }

  async info(argument: unknown): Promise<QueueInfo> {
    const info = await this.#info(await this.named('info', argument));
    const { names: sources } = await this.named('sources', argument);
    return sources.length === 0 ? info : { ...info, sources };
  }

  async sources(argument: unknown): Promise<readonly string[]> {
    return (await this.named('sources', argument)).names;
  }

  /** `messages`, or `packed` (`packed.ts`), which is answered in few words where all are stored, one after the other. */
  async send(argument: unknown): Promise<object> {
    const { queue, messages, packed } = args.given(argument, ['queue', 'messages', 'packed']);
    const name = args.text(queue, 'queue');
    const options = this.#parts.queues().optionsOf(name) ?? { dedupe: 'id' };
    const orders = packed === undefined ? args.orders(messages, options) : args.packedOrders(packed, options);
    const { results } = await this.#ask({ kind: 'send', orders, queue: name });
    const first = packed === undefined ? undefined : firstOf(results);
    return first === undefined ? { results } : { first };
  }

  /** With `packed: true`, messages come as bytes (`packed.ts`), and without what all receipts end in. */
  async receive(argument: unknown, signal: AbortSignal): Promise<object> {
    const given = args.given(argument, ['queue', 'max', 'waitMs', 'visibilityMs', 'consumer', 'groupMax', 'packed']);
    const { max, visibilityMs, groupMax } = given;
    const queue = args.text(given['queue'], 'queue');
    const consumer = args.textOrNone(given['consumer'], 'consumer');
    const command: QueueCommand = {
      groupMax: args.whole(groupMax, 'groupMax', [1, 100], 1),
      kind: 'receive',
      max: args.whole(max, 'max', [1, args.BATCH_MAX], 1),
      queue,
      waitMs: args.waitMs(given['waitMs']),
      ...(visibilityMs !== undefined && {
        visibilityMs: args.whole(visibilityMs, 'visibilityMs', [0, 604_800_000], 0),
      }),
      ...(consumer !== undefined && { consumer }),
    };
    const queues = this.#parts.queues();
    const reply = (await queues.ask(command, signal)) as Extract<QueueReply, { kind: 'received' }>;
    const delivered = await queues.contents(reply);
    if (signal.aborted && delivered.length > 0) {
      const receipts = delivered.map(({ lease }) => lease.receipt);
      await this.#ask({ kind: 'release', queue, receipts });
      return { messages: [] };
    }
    if (given['packed'] !== true) return { messages: delivered.map(received) };
    return { createdAt: reply.createdAt, packed: packedOf(delivered) };
  }

  async ack(argument: unknown) {
    const { queue, receipts, consumer } = args.given(argument, ['queue', 'receipts', 'consumer']);
    const who = args.textOrNone(consumer, 'consumer');
    const { results } = await this.#ask({
      kind: 'ack',
      queue: args.text(queue, 'queue'),
      receipts: args.receipts(receipts),
      ...(who !== undefined && { consumer: who }),
    });
    const allDone = typeof receipts === 'string' && results.every((result) => 'ok' in result);
    return allDone ? { done: results.length } : { results };
  }

  async nack(argument: unknown) {
    const { queue, receipts, consumer } = args.given(argument, ['queue', 'receipts', 'consumer']);
    const who = args.textOrNone(consumer, 'consumer');
    const { results } = await this.#ask({
      kind: 'nack',
      queue: args.text(queue, 'queue'),
      receipts: args.nacks(receipts),
      ...(who !== undefined && { consumer: who }),
    });
    return { results };
  }

  async extend(argument: unknown) {
    const { queue, receipts } = args.given(argument, ['queue', 'receipts']);
    const name = args.text(queue, 'queue');
    const { results } = await this.#ask({ kind: 'extend', queue: name, receipts: args.extensions(receipts) });
    return { results };
  }

  async release(argument: unknown) {
    const { queue, receipts } = args.given(argument, ['queue', 'receipts']);
    const name = args.text(queue, 'queue');
    const { results } = await this.#ask({ kind: 'release', queue: name, receipts: args.receipts(receipts) });
    return { results };
  }

  /** Looks, and changes nothing. Limit: with a `state`, it looks at 10 000 messages at most. */
  async peek(argument: unknown): Promise<{ readonly messages: readonly unknown[] }> {
    const given = args.given(argument, ['queue', 'max', 'after', 'state']);
    const max = args.whole(given['max'], 'max', [1, args.BATCH_MAX], 10);
    let after = args.whole(given['after'], 'after', [0, Number.MAX_SAFE_INTEGER], 0);
    const wanted = args.textOrNone(given['state'], 'state');
    const { queue, held } = await this.#ask({ kind: 'peek', queue: args.text(given['queue'], 'queue') });
    const messages: unknown[] = [];
    const { store, wallClock } = this.#parts.queues();
    for (let looked = 0; looked < PEEK_MAX && messages.length < max; looked += args.BATCH_MAX) {
      const rows = await store.list(queue, after, args.BATCH_MAX);
      for (const { message, content } of rows) {
        const state = held.has(message.seq) ? 'leased' : stateOf(message, wallClock());
        if (messages.length < max && (wanted === undefined || wanted === state))
          messages.push(seen(message, content, state));
      }
      after = rows.at(-1)?.message.seq ?? after;
      if (rows.length < args.BATCH_MAX) break;
    }
    return { messages };
  }

  async purge(argument: unknown) {
    const { purged } = await this.named('purge', argument);
    return { purged };
  }

  async redrive(argument: unknown) {
    const { queue, to, max, rate, dryRun } = args.given(argument, ['queue', 'to', 'max', 'rate', 'dryRun']);
    const { job } = await this.#ask({
      dryRun: dryRun === true,
      kind: 'redrive',
      queue: args.text(queue, 'queue'),
      to: args.textOrNone(to, 'to') ?? 'origin',
      ...(max !== undefined && max !== null && { max: args.whole(max, 'max', [1, 2 ** 40], 1) }),
      ...(rate !== undefined && rate !== null && { rate: args.rate(rate) }),
    });
    return job;
  }

  async cancelRedrive(argument: unknown) {
    return (await this.named('redrive-cancel', argument)).job;
  }

  async subscribe(kind: 'subscribe' | 'unsubscribe', argument: unknown) {
    const { queue, consumer } = args.given(argument, ['queue', 'consumer']);
    const name = args.text(queue, 'queue');
    const { consumers } = await this.#ask({ consumer: args.text(consumer, 'consumer'), kind, queue: name });
    return { consumers };
  }

  /** A command that needs nothing but the queue's name. */
  named<Kind extends Simple>(kind: Kind, argument: unknown): Promise<ReplyTo<Kind>> {
    const { queue } = args.given(argument, ['queue']);
    const command = { kind, queue: args.text(queue, 'queue') } as QueueCommand;
    return this.#parts.queues().ask(command) as Promise<unknown> as Promise<ReplyTo<Kind>>;
  }

  #ask<Command extends QueueCommand>(command: Command): Promise<ReplyTo<Command['kind']>> {
    return this.#parts.queues().ask(command) as Promise<ReplyTo<Command['kind']>>;
  }

  #info({ view }: Extract<QueueReply, { kind: 'queue' }>): Promise<QueueInfo> {
    return this.#infoOf(view);
  }

  async #infoOf(view: QueueView): Promise<QueueInfo> {
    const { store } = this.#parts.queues();
    const oldestAt = (await store.oldestAt(view.number)) ?? null;
    return queueInfo(view, { durability: store.durability, node: this.#parts.snapshot().record.name, oldestAt });
  }
}

type Simple = 'delete' | 'info' | 'sources' | 'purge' | 'redrive-cancel';

interface Replies {
  readonly create: 'queue';
  readonly edit: 'queue';
  readonly info: 'queue';
  readonly list: 'queues';
  readonly sources: 'names';
  readonly delete: 'done';
  readonly send: 'sent';
  readonly receive: 'received';
  readonly ack: 'handled';
  readonly nack: 'handled';
  readonly extend: 'handled';
  readonly release: 'handled';
  readonly peek: 'peek';
  readonly purge: 'purged';
  readonly move: 'moved';
  readonly abandon: 'queue';
  readonly resume: 'queue' | 'taken';
  readonly redrive: 'redrive';
  readonly 'redrive-cancel': 'redrive';
  readonly subscribe: 'consumers';
  readonly unsubscribe: 'consumers';
}

type ReplyTo<Kind extends keyof Replies> = Extract<QueueReply, { kind: Replies[Kind] }>;

const PEEK_MAX = 10_000;
/** How long news of a queue takes at most, usually; and how often it is looked for. */
const HEARD_MS = 2_000;
const LOOK_MS = 10;
/** Wherever that is. Why no name of a node: it is said by nodes that have chosen already. */
const HERE = '=';

function packedOf(delivered: readonly Delivered[]): Uint8Array {
  const packer = new LeasePacker();
  for (const { lease, content } of delivered) {
    const { contentId, group, id } = lease;
    const { dead } = content;
    const isUsual = group === undefined && dead === undefined && contentId === id;
    packer.add(lease, content.content, isUsual ? undefined : unusual(lease, dead));
  }
  return packer.take();
}

/** A consumer's part of a message for several has an id, and so a receipt, of its own; whoever asks knows the message by the one that its sender was told. */
function unusual({ contentId, group, id }: Delivered['lease'], dead: unknown): object {
  return {
    ...(group !== undefined && { group }),
    ...(dead !== undefined && { dead }),
    ...(contentId !== id && { id: contentId }),
  };
}

/** The id of the first, where all are new and their ids follow each other. */
function firstOf(results: readonly Sent[]): number | undefined {
  const [one] = results;
  if (one === undefined || !('id' in one)) return undefined;
  const { id: first } = one;
  const inRow = results.every((result, i) => 'id' in result && result.id === first + i && result.duplicate !== true);
  return inRow ? first : undefined;
}

function received({ lease, content }: Delivered): unknown {
  const { contentId: id, ...about } = lease;
  const { dead } = content;
  return { ...about, id, ...read(content.content), ...(dead !== undefined && { dead }) };
}

function read(bytes: Uint8Array): { readonly body: unknown; readonly headers: unknown; readonly dedupeId?: string } {
  const { body, headers = {}, dedupeId } = unpackContent(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return { body, headers, ...(dedupeId !== undefined && { dedupeId }) };
}

function stateOf({ state }: StoredMessage, now: number): 'ready' | 'delayed' | 'leased' {
  if (state?.token !== undefined) return 'leased';
  return state?.due !== undefined && state.due > now ? 'delayed' : 'ready';
}

function seen(message: StoredMessage, content: Uint8Array, state: string): unknown {
  const { seq, sentAt, group, about, dead, state: past } = message;
  return {
    guarantee: about?.guarantee ?? 'at-least-once',
    id: seq,
    priority: message.rank > 0 ? 255 - message.rank : 0,
    receives: past?.receives ?? 0,
    sentAt,
    state,
    ...(past?.due !== undefined && state === 'delayed' && { dueAt: past.due }),
    ...(past?.firstAt !== undefined && { firstReceivedAt: past.firstAt }),
    ...(group !== undefined && { group }),
    ...(dead !== undefined && { dead }),
    ...read(content),
  };
}
