/** Retained values on their way between clusters, as items of a stream: a list of some in each, checked by whoever takes them. */
import { isInbox } from '../../core/topics/inboxes.ts';
import type { Headers } from '../../core/topics/messages.ts';
import { isSystem, parseTopic } from '../../core/topics/pattern.ts';
import { Delivery } from '../../flow/delivery.ts';
import { isObject } from '../../wire/json-value.ts';
import { payloadFrom } from '../../wire/payload.ts';

export const RETAINED = 'mpreg.federation.retained';

type Said = Pick<Delivery, 'at' | 'by' | 'payload' | 'seq' | 'topic'> & { readonly headers?: Headers | undefined };

export function packed({ at, by, headers, payload, seq, topic }: Said): object {
  return { at, by, ...(headers && { headers }), payload: payload.bytes(), seq, topic };
}

/** What is none is left out. */
export function unpacked(item: unknown): readonly Delivery[] {
  return Array.isArray(item) ? item.flatMap((one) => deliveryOf(one) ?? []) : [];
}

export function deliveryOf(item: unknown): Delivery | undefined {
  if (!isObject(item)) return undefined;
  const { at, by, headers = {}, payload, seq, topic } = item;
  if (typeof topic !== 'string' || typeof by !== 'string' || !(payload instanceof Uint8Array)) return undefined;
  if (!isCount(at) || !isCount(seq) || !isObject(headers) || !Object.values(headers).every(isText)) return undefined;
  const segments = parseTopic(topic);
  if (!segments.ok || isSystem(topic) || isInbox(segments.value)) return undefined;
  const said = Object.entries(headers as Record<string, string>).slice(0, HEADERS_MAX);
  return new Delivery(
    topic,
    by,
    seq,
    at,
    said.length === 0 ? undefined : Object.fromEntries(said),
    payloadFrom(payload),
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

const HEADERS_MAX = 64;
