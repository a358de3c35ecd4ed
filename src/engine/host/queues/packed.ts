/**
 * Many messages as one range of bytes, on their way between a client and the node that has their queue.
 *
 *     to be sent     u32 bytes of content · u32 bytes of more · content · more
 *     received       f64 id · f64 token · f64 sentAt · f64 firstReceivedAt · f64 leaseUntil · u32 receives · u8 priority
 *                    · u8 guarantee · u32 bytes of content · u32 bytes of more · content · more
 *
 * All numbers begin with their lowest byte. `content` is what is stored (`content.ts`); `more` is a map in MessagePack of what
 * few messages have, and has no bytes where there is none.
 *
 * Why not a list of maps: nine tenths of a message's cost would be the names of its fields, read and written again
 * at each end, and its body turned into a text for those who only store bytes.
 */
import { receiptEnd, receiptOf } from '../../core/queues/leases.ts';
import { GUARANTEES, type Guarantee } from '../../core/queues/options.ts';
import { problemError } from '../../problem-error.ts';
import type { ReceivedMessage } from '../../queues-api.ts';
import { payloadFrom, payloadOf } from '../../wire/payload.ts';
import { unpackContent } from './content.ts';

/** A message to be sent: its content, and what is unusual about it. */
export interface PackedOrder {
  readonly content: Uint8Array;
  readonly more: Uint8Array | undefined;
}

export interface ReadOrder {
  readonly content: Uint8Array;
  readonly more: Readonly<Record<string, unknown>>;
}

/** What a receive tells of a message, apart from its content. */
export interface PackedLease {
  readonly id: number;
  readonly token: number;
  readonly sentAt: number;
  readonly firstReceivedAt: number;
  readonly leaseUntil: number;
  readonly receives: number;
  readonly priority: number;
  readonly guarantee: Guarantee;
}

export function packOrders(orders: readonly PackedOrder[]): Uint8Array {
  const size = orders.reduce((sum, { content, more }) => sum + ORDER_BYTES + content.length + (more?.length ?? 0), 0);
  const packed = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const { content, more = NOTHING } of orders) {
    at = packed.writeUInt32LE(content.length, at);
    at = packed.writeUInt32LE(more.length, at);
    packed.set(content, at);
    packed.set(more, at + content.length);
    at += content.length + more.length;
  }
  return packed;
}

/** Contents are views. Throws `input-invalid` for what is none, and for more than `most`. */
export function readOrders(bytes: Uint8Array, most: number): readonly ReadOrder[] {
  const packed = bufferOf(bytes);
  const orders: ReadOrder[] = [];
  for (let at = 0; at < packed.length; ) {
    if (orders.length >= most) throw problemError('input-invalid', `one call has at most ${most} messages`);
    if (at + ORDER_BYTES > packed.length) throw cut();
    const from = at + ORDER_BYTES;
    const to = from + packed.readUInt32LE(at);
    const end = to + packed.readUInt32LE(at + 4);
    if (end > packed.length || to === from) throw cut();
    orders.push({ content: packed.subarray(from, to), more: end === to ? NO_MORE : mapOf(packed, to, end) });
    at = end;
  }
  return orders;
}

export class LeasePacker {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;

  add(lease: PackedLease, content: Uint8Array, unusual: object | undefined): void {
    const more = unusual === undefined ? NOTHING : payloadOf(unusual).bytes();
    this.#reserve(LEASE_BYTES + content.length + more.length);
    const bytes = this.#bytes;
    let at = bytes.writeDoubleLE(lease.id, this.#at);
    at = bytes.writeDoubleLE(lease.token, at);
    at = bytes.writeDoubleLE(lease.sentAt, at);
    at = bytes.writeDoubleLE(lease.firstReceivedAt, at);
    at = bytes.writeDoubleLE(lease.leaseUntil, at);
    at = bytes.writeUInt32LE(lease.receives, at);
    bytes[at++] = lease.priority;
    bytes[at++] = GUARANTEES.indexOf(lease.guarantee);
    at = bytes.writeUInt32LE(content.length, at);
    at = bytes.writeUInt32LE(more.length, at);
    bytes.set(content, at);
    bytes.set(more, at + content.length);
    this.#at = at + content.length + more.length;
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + count));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

/**
 * `createdAt`: of the queue; undefined where its node has an earlier version, and does not say it. Throws `input-invalid` or
 * `store-corrupt` for what a node would not have made.
 */
export function readReceived(bytes: Uint8Array, createdAt: number | undefined): readonly ReceivedMessage[] {
  const packed = bufferOf(bytes);
  const ending = createdAt === undefined ? '' : receiptEnd(createdAt);
  const messages: ReceivedMessage[] = [];
  for (let at = 0; at < packed.length; ) {
    if (at + LEASE_BYTES > packed.length) throw cut();
    const from = at + LEASE_BYTES;
    const to = from + packed.readUInt32LE(at + 46);
    const end = to + packed.readUInt32LE(at + 50);
    if (end > packed.length) throw cut();
    messages.push(messageAt(packed, at, to, end, ending));
    at = end;
  }
  return messages;
}

function messageAt(packed: Buffer, at: number, to: number, end: number, ending: string): ReceivedMessage {
  const id = packed.readDoubleLE(at);
  const token = packed.readDoubleLE(at + 8);
  const { body, headers = {}, dedupeId } = unpackContent(packed, at + LEASE_BYTES, to);
  const message = {
    body,
    firstReceivedAt: packed.readDoubleLE(at + 24),
    guarantee: GUARANTEES[packed[at + 45] as number] ?? 'at-least-once',
    headers,
    id,
    leaseUntil: packed.readDoubleLE(at + 32),
    priority: packed[at + 44] as number,
    receipt: receiptOf({ seq: id, token }, ending),
    receives: packed.readUInt32LE(at + 40),
    sentAt: packed.readDoubleLE(at + 16),
    token,
  };
  if (dedupeId === undefined && end === to) return message;
  return { ...message, ...(dedupeId !== undefined && { dedupeId }), ...(end > to && mapOf(packed, to, end)) };
}

function mapOf(packed: Buffer, from: number, to: number): Readonly<Record<string, unknown>> {
  const value = payloadFrom(packed.subarray(from, to)).value();
  if (!value.ok || typeof value.value !== 'object' || value.value === null || Array.isArray(value.value)) throw cut();
  return value.value as Readonly<Record<string, unknown>>;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function cut(): Error {
  return problemError('input-invalid', 'these bytes are no messages of a queue');
}

const ORDER_BYTES = 8;
const LEASE_BYTES = 54;
const FIRST_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);
const NO_MORE = {};
