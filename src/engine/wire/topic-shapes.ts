import type {
  ChosenMember,
  Headers,
  Interest,
  MemberInterest,
  RetainedTopic,
  RetainedVersion,
  SubscribeMessage,
  TopicFilter,
} from '../core/topics/messages.ts';
import { isObject } from './json-value.ts';
import { inside, Misfit } from './misfit.ts';
import { list, name, optional, otherwise, record, type Shape, text, uint, word, yes } from './shapes.ts';

/** Shapes of what messages of topics hold. */

export const policy: Shape<NonNullable<SubscribeMessage['policy']>> = word(
  'drop-oldest',
  'drop-newest',
  'disconnect',
  'block',
);

export const members = list(
  record<ChosenMember>({ group: name, id: uint, debt: optional(uint), attempt: optional(uint) }),
);
export const retained = record<RetainedVersion>({ time: uint, node: name, cleared: optional(yes) });
export const retainedTopics = list(record<RetainedTopic>({ topic: text, time: uint, node: name }));
export const uints = otherwise([], list(uint));

const member = record<MemberInterest>({ group: name, id: uint, key: optional(text), window: optional(uint) });

const filter = record<TopicFilter>({ hashes: uint, bits: text });

export const interests: Shape<readonly Interest[]> = otherwise(
  [],
  list(record<Interest>({ pattern: text, member: optional(member), filter: optional(filter) })),
);

/** Texts by name: in MessagePack a list of names and texts in turns, in JSON an object. */
export const headers: Shape<Headers> = {
  fromJson: (json) => {
    if (!isObject(json)) throw new Misfit('must be an object');
    return fromPairs(Object.entries(json));
  },
  pack: (value) => Object.entries(value).flat(),
  toJson: (value) => ({ ...value }),
  unpack: (plain) => {
    if (!Array.isArray(plain) || plain.length % 2 !== 0) throw new Misfit('must be a list of names and texts');
    return fromPairs(Array.from({ length: plain.length / 2 }, (_, i) => [plain[2 * i], plain[2 * i + 1]]));
  },
};

function fromPairs(pairs: readonly (readonly [unknown, unknown])[]): Headers {
  if (pairs.length > HEADERS_MAX) throw new Misfit(`must have at most ${HEADERS_MAX} entries`);
  const found: [string, string][] = [];
  for (const [key, value] of pairs) {
    if (typeof key !== 'string' || typeof value !== 'string') throw inside(new Misfit('must be text'), String(key));
    found.push([key, value]);
  }
  return Object.fromEntries(found);
}

/** Limit: nodes copy them with every message. */
export const HEADERS_MAX = 64;
