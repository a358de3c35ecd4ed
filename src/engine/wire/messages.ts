import type { Passed } from '../core/calls/messages.ts';
import type { HubPeer, Peer } from '../core/links/messages.ts';
import type { CargoRumor, MemberRumor, Rumor, SyncEntry } from '../core/membership/messages.ts';
import { held, position, toldHubs, toldOffers } from './federation-shapes.ts';
import { over } from './over-shape.ts';
import { encoded } from './payload-shape.ts';
import { nodeRecord, problemShape } from './record-shape.ts';
import {
  bool,
  type Fields,
  list,
  name,
  optional,
  otherwise,
  record,
  type Shape,
  text,
  uint,
  variants,
  word,
  yes,
} from './shapes.ts';
import { headers, interests, members, policy, retained, retainedTopics, uints } from './topic-shapes.ts';
import type { UnknownFrame, WireMessage } from './wire.ts';

/**
 * Every kind of message: its number, its header, what its payload is called in JSON. Both codecs work from this table.
 *
 * To add a field, append it, optional or with a value that stands for its absence: older versions pass over it. To add
 * a kind, take a number that was never used: older versions keep such frames as they came.
 */
export interface MessageKind {
  readonly code: number;
  readonly header: Shape<object>;
  /**
   * The field that holds the payload in JSON; a call's is spread over `args` and `kwargs`. `bytes` are no MessagePack but
   * bytes as they are. Absent: no payload.
   */
  readonly payload?: 'arguments' | 'bytes' | 'plan' | 'value';
}

type Known = Exclude<WireMessage, UnknownFrame>;
export type Kind = Known['kind'];
/** The header's fields of a kind of message. */
type Header<K extends Kind> = Omit<Extract<Known, { kind: K }>, 'kind' | 'payload' | 'rest'>;

const state = word('alive', 'suspect', 'dead', 'left');

const peer = variants<Peer>('role', {
  client: record<Omit<Extract<Peer, { role: 'client' }>, 'role'>>({ name }),
  peer: record<Omit<Extract<Peer, { role: 'peer' }>, 'role'>>({ name, id: name, address: text }),
  hub: record<Omit<HubPeer, 'role'>>({ name, id: name, address: text, cluster: name }),
});

const member = record<Omit<MemberRumor, 'kind'>>({ about: name, state, incarnation: uint, address: text, by: name });
const cargo = record<Omit<CargoRumor, 'kind'>>({ about: name, version: uint, body: nodeRecord });
const rumors = otherwise([], list(variants<Rumor>('kind', { member, cargo })));
/** Where nothing else can stand, a member's rumor does not say what it is. */
const self: Shape<MemberRumor> = {
  ...member,
  fromJson: (json) => ({ kind: 'member', ...member.fromJson(json) }),
  unpack: (plain) => ({ kind: 'member', ...member.unpack(plain) }),
};
const entry = record<SyncEntry>({ id: name, state, incarnation: uint, address: text, version: otherwise(0, uint) });

const trail = list(record<Passed>({ node: text, ms: uint, at: optional(name) }));

const calls = {
  call: kind<'call'>(
    16,
    {
      id: uint,
      fun: name,
      timeoutMs: otherwise(0, uint),
      locs: otherwise([], list(name)),
      routed: otherwise(false, bool),
      idempotent: otherwise(false, bool),
      step: optional(text),
      node: optional(text),
      version: optional(text),
      functionId: optional(text),
      depth: optional(uint),
      paced: optional(bool),
      errand: optional(encoded),
      following: optional(list(encoded)),
      cluster: optional(text),
      region: optional(text),
      abroad: optional(yes),
      scope: optional(word('cluster')),
      over: optional(over),
    },
    'arguments',
  ),
  plan: kind<'plan'>(17, { id: uint, timeoutMs: otherwise(0, uint) }, 'plan'),
  result: kind<'result'>(
    18,
    {
      id: uint,
      by: text,
      held: optional(yes),
      plan: optional(uint),
      trail: optional(trail),
      cluster: optional(text),
      over: optional(over),
    },
    'value',
  ),
  item: kind<'item'>(19, { id: uint, over: optional(over) }, 'value'),
  error: kind<'error'>(20, {
    id: uint,
    problem: problemShape,
    plan: optional(uint),
    trail: optional(trail),
    over: optional(over),
  }),
  cancel: kind<'cancel'>(21, { id: uint, reason: otherwise('', text), at: optional(name), over: optional(over) }),
  more: kind<'more'>(22, { id: uint, items: uint, over: optional(over) }),
  holding: kind<'holding'>(24, { id: uint, plan: uint, hops: uint, trail, to: optional(name) }),
  drop: kind<'drop'>(25, { plan: uint }),
};

const publication = { topic: text, by: name, seq: uint, at: uint };

const topics = {
  subscribe: kind<'subscribe'>(48, {
    id: uint,
    patterns: list(text),
    group: optional(text),
    everywhere: optional(yes),
    paced: optional(yes),
    policy: optional(policy),
    messagesMax: optional(uint),
    bytesMax: optional(uint),
    key: optional(text),
    window: optional(uint),
    settleMs: optional(uint),
  }),
  subscribed: kind<'subscribed'>(49, { id: uint }),
  unsubscribe: kind<'unsubscribe'>(50, { id: uint }),
  publish: kind<'publish'>(
    51,
    {
      id: otherwise(0, uint),
      topic: text,
      by: optional(name),
      seq: optional(uint),
      key: optional(text),
      headers: optional(headers),
      retain: optional(word('keep', 'clear')),
    },
    'value',
  ),
  published: kind<'published'>(52, {
    id: uint,
    local: uint,
    nodes: uint,
    kept: optional(uint),
    waiting: optional(uint),
    behind: optional(uint),
  }),
  forward: kind<'forward'>(
    53,
    {
      ...publication,
      plain: bool,
      members: otherwise([], members),
      headers: optional(headers),
      key: optional(text),
      retained: optional(retained),
      abroad: optional(yes),
    },
    'value',
  ),
  deliver: kind<'deliver'>(
    54,
    {
      id: uint,
      ...publication,
      missed: optional(uint),
      headers: optional(headers),
      tag: optional(uint),
      attempt: optional(uint),
      retained: optional(yes),
    },
    'value',
  ),
  gap: kind<'gap'>(55, { id: uint, missed: uint }),
  taken: kind<'taken'>(56, { id: uint, bytes: uint }),
  interest: kind<'interest'>(57, { from: uint, version: uint, removed: interests, added: interests }),
  'interest-have': kind<'interest-have'>(58, { version: uint }),
  'publish-run': kind<'publish-run'>(59, { topic: text, by: name, seq: uint }, 'value'),
  'forward-run': kind<'forward-run'>(60, publication, 'value'),
  'deliver-run': kind<'deliver-run'>(61, { id: uint, ...publication, missed: optional(uint) }, 'value'),
  store: kind<'store'>(
    62,
    {
      n: uint,
      ...publication,
      plain: bool,
      members: otherwise([], members),
      headers: optional(headers),
      key: optional(text),
      retained: optional(retained),
      abroad: optional(yes),
    },
    'value',
  ),
  stored: kind<'stored'>(63, {
    n: uint,
    count: uint,
    sequence: uint,
    problem: optional(problemShape),
    behind: optional(uint),
  }),
  read: kind<'read'>(64, {
    id: uint,
    patterns: list(text),
    from: optional(uint),
    last: optional(uint),
    ageMs: optional(uint),
    durable: optional(name),
    resume: optional(record<NonNullable<Header<'read'>['resume']>>({ keep: name, next: uint })),
    paced: optional(yes),
    client: optional(text),
  }),
  reading: kind<'reading'>(65, { id: uint, keep: text, next: uint, problem: optional(problemShape) }),
  kept: kind<'kept'>(
    66,
    { id: uint, sequence: uint, ...publication, missed: optional(uint), headers: optional(headers) },
    'value',
  ),
  acknowledge: kind<'acknowledge'>(67, { id: uint, sequence: uint }),
  unread: kind<'unread'>(68, { id: uint }),
  settle: kind<'settle'>(70, { id: uint, done: uints, refused: uints }),
  discharge: kind<'discharge'>(71, { done: uints, refused: uints, left: uints, unseen: uints }),
  returned: kind<'returned'>(
    72,
    { ...publication, group: name, headers: optional(headers), key: optional(text) },
    'value',
  ),
  brake: kind<'brake'>(73, { id: uint, patterns: otherwise([], list(text)) }),
  retained: kind<'retained'>(74, {
    digest: optional(uint),
    buckets: optional(list(uint)),
    bucket: optional(uint),
    entries: optional(retainedTopics),
    answer: optional(yes),
  }),
};

const federation = {
  'hub-news': kind<'hub-news'>(80, { hubs: otherwise([], toldHubs), offers: otherwise([], toldOffers) }),
  'hub-digest': kind<'hub-digest'>(81, { digest: uint, have: optional(held), last: optional(yes) }),
  'hub-echo': kind<'hub-echo'>(82, { n: uint, reply: otherwise(false, bool), position: optional(position) }),
  'hub-ack': kind<'hub-ack'>(83, { over }),
  abroad: kind<'abroad'>(
    84,
    {
      ...publication,
      cluster: name,
      to: list(name),
      passed: list(name),
      headers: optional(headers),
      key: optional(text),
    },
    'value',
  ),
  placed: kind<'placed'>(85, { id: uint, idempotent: bool }),
};

export const KINDS: Readonly<Record<Kind, MessageKind>> = {
  hello: kind<'hello'>(1, {
    versions: list(uint),
    node: record<Header<'hello'>['node']>({ id: name, name, cluster: text }),
    auth: word('none', 'key'),
    nonce: text,
    frameBytesMax: uint,
    features: optional(list(text)),
    hub: optional(yes),
  }),
  join: kind<'join'>(2, {
    version: uint,
    cluster: otherwise('', text),
    peer,
    nonce: text,
    frameBytesMax: uint,
    proof: optional(text),
    features: optional(list(text)),
  }),
  welcome: kind<'welcome'>(3, { proof: optional(text) }),
  refused: kind<'refused'>(4, { problem: problemShape }),
  beat: kind<'beat'>(8, { reply: otherwise(false, bool), all: optional(bool) }),
  goaway: kind<'goaway'>(9, { problem: problemShape }),
  part: kind<'part'>(10, { stream: uint, size: otherwise(0, uint) }, 'bytes'),
  ...calls,
  ping: kind<'ping'>(32, { seq: uint, target: name, rumors }),
  ack: kind<'ack'>(33, { seq: uint, rumors }),
  nack: kind<'nack'>(34, { seq: uint }),
  'ping-req': kind<'ping-req'>(35, { seq: uint, target: name, address: text, rumors }),
  gossip: kind<'gossip'>(36, { rumors }),
  'sync-digest': kind<'sync-digest'>(37, { digest: uint, self }),
  'sync-buckets': kind<'sync-buckets'>(38, { buckets: list(uint) }),
  'sync-entries': kind<'sync-entries'>(39, { buckets: list(uint), entries: list(entry) }),
  'sync-news': kind<'sync-news'>(40, { rumors, wanted: otherwise([], list(name)) }),
  ...topics,
  ...federation,
};

/** How many positions of a call's header this version knows; what lies behind them is its `rest`. */
export const CALL_FIELDS = 19;

function kind<K extends Kind>(code: number, fields: Fields<Header<K>>, payload?: MessageKind['payload']): MessageKind {
  return { code, header: record<Header<K>>(fields), ...(payload && { payload }) };
}
