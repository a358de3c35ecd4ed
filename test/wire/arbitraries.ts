/** Anything that may travel, for properties. */
import fc from 'fast-check';
import type { Payload } from '../../src/engine/core/base/payload.ts';
import type { Rumor } from '../../src/engine/core/membership/messages.ts';
import { NUMBER_ARRAYS } from '../../src/engine/wire/extensions.ts';
import type { Kind } from '../../src/engine/wire/messages.ts';
import { payloadFrom, payloadOf } from '../../src/engine/wire/payload.ts';
import type { WireMessage } from '../../src/engine/wire/wire.ts';

/** None begins with a byte order mark, which does not always arrive. */
const text = fc.string({ maxLength: 40, unit: 'binary' }).filter((value) => !value.startsWith('\uFEFF'));
/** None is `__proto__`, of which deep comparisons make a prototype; `payload.test.ts` has it. */
const key = fc.oneof(
  text.filter((value) => value !== '__proto__'),
  fc.constantFrom('hasOwnProperty', 'constructor', 'toJSON', '$date', '$lit', '$map', '$bytes', '7', ''),
);

/** Own copies: windows of larger memory do not compare equal. */
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Uint8Array.from(array));
const numbers = fc
  .tuple(fc.constantFrom(...NUMBER_ARRAYS), fc.uint8Array({ maxLength: 5 }))
  .map(([type, seed]) => new type(Uint8Array.from({ length: seed.length * 8 }, (_, i) => seed[i >> 3] ?? 0).buffer));

export const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => {
  const inner = tie('value');
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        text,
        fc.integer(),
        fc.maxSafeInteger(),
        fc.double().map((value) => value + 0), // −0 arrives as 0
        fc.boolean(),
        fc.bigInt(),
        fc.bigInt({ max: 2n ** 70n, min: -(2n ** 70n) }),
        fc.constantFrom(null, undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        fc.date({ noInvalidDate: true }),
        bytes,
        numbers.filter((array) => !(array instanceof Float32Array || array instanceof Float64Array)),
      ),
      fc.array(inner, { maxLength: 5 }),
      fc.array(fc.tuple(key, inner), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
      fc.array(fc.tuple(inner, inner), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(inner, { maxLength: 4 }).map((items) => new Set(items)),
    ),
  };
});

/** A plan document that JSON can say: no object in it looks like a tag, but for literals of what JSON has anyway. */
const planDocument = fc
  .oneof(anyValue, fc.record({ done: fc.dictionary(key, anyValue, { maxKeys: 3 }) }))
  .map(untagged);

function untagged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untagged);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([name, held]): [string, unknown] => [
    name,
    name === 'done' ? held : untagged(held),
  ]);
  if (entries.length !== 1 || !entries[0]?.[0].startsWith('$')) return Object.fromEntries(entries);
  return { $lit: [{ $date: 'as it stands', x: null }, { $lit: [{ $ref: 7 }] }, true, '$bytes'] };
}

const uint = fc.oneof(fc.nat(300), fc.maxSafeNat());
const name = fc.string({ maxLength: 30, minLength: 1, unit: 'binary' });
const optionalText = fc.option(text, { nil: undefined });
const names = fc.array(name, { maxLength: 3 });
const payload = anyValue.map(payloadOf);

/** Objects with these fields, and an ordinary prototype, as decoders make them. */
function objects<Value>(model: { readonly [Key in keyof Value]: fc.Arbitrary<Value[Key]> }): fc.Arbitrary<Value> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<Value>;
}

/** The same object without the fields that are undefined. */
function present<Value extends object>(object: Value): Value {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Value;
}

const problem = objects({
  cause: fc.option(objects({ message: text, name: text }), { nil: undefined }),
  code: name,
  fun: optionalText,
  hint: optionalText,
  message: text,
  outcome: fc.constantFrom('did-not-happen', 'unknown', undefined),
  path: optionalText,
  spare: fc.option(bytes, { nil: undefined }),
}).map(present);

const functionRecord = objects({
  idempotent: fc.option(fc.boolean(), { nil: undefined }),
  name,
  resources: names,
  spare: fc.option(fc.date({ noInvalidDate: true }), { nil: undefined }),
  timeoutMs: fc.option(uint, { nil: undefined }),
  version: text,
}).map(present);

const nodeRecord = objects({
  addresses: names,
  cluster: text,
  coordinates: fc.constantFrom(undefined, { altitude: 3, latitude: 47.5, longitude: -8.25 }),
  functions: fc.array(functionRecord, { maxLength: 2 }),
  id: name,
  load: fc.nat(10),
  name,
  resources: names,
  software: text,
  spare: anyValue,
  state: fc.constantFrom('active', 'draining'),
  version: uint,
}).map(present);

const state = fc.constantFrom('alive', 'suspect', 'dead', 'left');
const member = objects({
  about: name,
  address: text,
  by: name,
  incarnation: uint,
  kind: fc.constant('member'),
  state,
});
const cargo = objects({ about: name, body: nodeRecord, kind: fc.constant('cargo'), version: uint });
const rumors = fc.array(fc.oneof(member, cargo) as fc.Arbitrary<Rumor>, { maxLength: 4 });
const entry = objects({ address: text, id: name, incarnation: uint, state, version: uint });
const client = objects({ name, role: fc.constant('client') });
const peer = objects({ address: text, id: name, name, role: fc.constant('peer') });
const hub = objects({ address: text, cluster: name, id: name, name, role: fc.constant('hub') });
const proof = fc.option(text, { nil: undefined });

const optionalName = fc.option(name, { nil: undefined });
const optionalUint = fc.option(uint, { nil: undefined });
const passed = fc.array(objects({ at: optionalName, ms: uint, node: text }).map(present), { maxLength: 3 });
const trail = fc.option(passed, { nil: undefined });

const over = objects({
  ahead: names,
  cluster: name,
  from: name,
  life: uint,
  n: uint,
  passed: names,
  session: uint,
  to: name,
});
const position = objects({
  at: fc.array(fc.integer({ max: 900, min: -900 }), { maxLength: 3 }),
  error: fc.constantFrom(0.25, 1),
  height: fc.nat(90),
});
const hubRecord = objects({
  address: text,
  edges: fc.array(objects({ cost: uint, life: uint, to: name }), { maxLength: 3 }),
  hub: name,
  identity: objects({ cluster: name, name: text, region: text, tags: names }),
  name,
  nodes: uint,
  position: fc.option(position, { nil: undefined }),
  software: text,
  spare: anyValue,
  url: text,
  version: uint,
  withdrawn: fc.constantFrom(undefined, true),
}).map(present);
const offersRecord = objects({
  cluster: name,
  functions: fc.array(objects({ name, resources: names, version: text }), { maxLength: 2 }),
  hub: name,
  interest: fc.constantFrom(undefined, { bits: 'AAE', hashes: 7 }),
  queues: names,
  version: uint,
}).map(present);
const told = (record: fc.Arbitrary<object>) => fc.array(objects({ ageMs: uint, record }), { maxLength: 2 });
const way = fc.option(over, { nil: undefined });

const callFields = {
  abroad: fc.constantFrom(undefined, true),
  cluster: optionalText,
  over: way,
  region: optionalText,
  scope: fc.constantFrom(undefined, 'cluster'),
  errand: fc.option(fc.array(anyValue, { maxLength: 2 }).map(payloadOf), { nil: undefined }),
  following: fc.option(fc.array(anyValue.map(payloadOf), { maxLength: 3 }), { nil: undefined }),
  paced: fc.option(fc.boolean(), { nil: undefined }),
  depth: fc.option(uint, { nil: undefined }),
  fun: name,
  functionId: optionalText,
  id: uint,
  idempotent: fc.boolean(),
  locs: names,
  node: optionalText,
  rest: fc.option(fc.array(anyValue, { maxLength: 3, minLength: 1 }), { nil: undefined }),
  routed: fc.boolean(),
  step: optionalText,
  timeoutMs: uint,
  version: optionalText,
};
const callArguments = objects({
  args: fc.array(anyValue, { maxLength: 3 }),
  kwargs: fc.array(fc.tuple(key, anyValue), { maxLength: 2 }),
}).map(({ args, kwargs }) => payloadOf({ args, kwargs: Object.fromEntries(kwargs) }));

const headers = fc.option(
  fc.array(fc.tuple(key, text), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
  { nil: undefined },
);
const publication = { at: uint, by: name, headers, payload, seq: uint, topic: text };
const chosen = objects({ attempt: optionalUint, debt: optionalUint, group: name, id: uint }).map(present);
const terms = objects({ group: name, id: uint, key: optionalText, window: optionalUint }).map(present);
const filter = fc.option(objects({ bits: text, hashes: uint }), { nil: undefined });
const interest = objects({ filter, member: fc.option(terms, { nil: undefined }), pattern: text }).map(present);
const retained = fc.option(
  objects({ cleared: fc.constantFrom(undefined, true), node: name, time: uint }).map(present),
  { nil: undefined },
);
const uints = fc.array(uint, { maxLength: 3 });
const run = fc.array(bytes, { maxLength: 20, minLength: 1 }).map(payloadOf);
const interests = fc.array(interest, { maxLength: 3 });

/** The fields of every kind. That none is forgotten, the compiler sees to. */
const fields: Readonly<Record<Kind, Readonly<Record<string, fc.Arbitrary<unknown>>>>> = {
  ack: { rumors, seq: uint },
  beat: { all: fc.option(fc.boolean(), { nil: undefined }), reply: fc.boolean() },
  call: { ...callFields, payload: callArguments },
  more: { id: uint, items: uint, over: way },
  placed: { id: uint, idempotent: fc.boolean() },
  cancel: { at: optionalName, id: uint, over: way, reason: text },
  drop: { plan: uint },
  error: { id: uint, over: way, plan: optionalUint, problem, trail },
  goaway: { problem },
  'hub-ack': { over },
  'hub-digest': {
    digest: uint,
    have: fc.option(fc.array(objects({ hub: name, offers: uint, version: uint }), { maxLength: 3 }), {
      nil: undefined,
    }),
    last: fc.constantFrom(undefined, true),
  },
  'hub-echo': { n: uint, position: fc.option(position, { nil: undefined }), reply: fc.boolean() },
  'hub-news': { hubs: told(hubRecord), offers: told(offersRecord) },
  gossip: { rumors },
  holding: { hops: uint, id: uint, plan: uint, to: optionalName, trail: passed },
  hello: {
    auth: fc.constantFrom('none', 'key'),
    features: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
    frameBytesMax: uint,
    hub: fc.constantFrom(undefined, true),
    node: objects({ cluster: text, id: name, name }),
    nonce: text,
    versions: fc.array(uint, { maxLength: 3 }),
  },
  item: { id: uint, over: way, payload },
  join: {
    cluster: text,
    features: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
    frameBytesMax: uint,
    nonce: text,
    peer: fc.oneof(client, peer, hub),
    proof,
    version: uint,
  },
  part: { payload: payload.map((value) => payloadFrom(Uint8Array.from(value.bytes()))), size: uint, stream: uint },
  nack: { seq: uint },
  ping: { rumors, seq: uint, target: name },
  'ping-req': { address: text, rumors, seq: uint, target: name },
  plan: { id: uint, payload: planDocument.map(payloadOf), timeoutMs: uint },
  refused: { problem },
  result: {
    by: text,
    cluster: optionalText,
    held: fc.constantFrom(undefined, true),
    id: uint,
    over: way,
    payload,
    plan: optionalUint,
    trail,
  },
  'sync-buckets': { buckets: fc.array(uint, { maxLength: 9 }) },
  'sync-digest': { digest: uint, self: member },
  'sync-entries': { buckets: fc.array(uint, { maxLength: 4 }), entries: fc.array(entry, { maxLength: 4 }) },
  'sync-news': { rumors, wanted: names },
  welcome: { proof },
  subscribe: {
    bytesMax: optionalUint,
    everywhere: fc.constantFrom(undefined, true),
    group: optionalText,
    id: uint,
    key: optionalText,
    messagesMax: optionalUint,
    paced: fc.constantFrom(undefined, true),
    patterns: fc.array(text, { maxLength: 3 }),
    policy: fc.constantFrom(undefined, 'drop-oldest', 'drop-newest', 'disconnect', 'block'),
    settleMs: optionalUint,
    window: optionalUint,
  },
  subscribed: { id: uint },
  unsubscribe: { id: uint },
  publish: {
    by: optionalName,
    headers,
    id: uint,
    key: optionalText,
    payload,
    retain: fc.constantFrom(undefined, 'keep', 'clear'),
    seq: optionalUint,
    topic: text,
  },
  published: { behind: optionalUint, id: uint, kept: optionalUint, local: uint, nodes: uint, waiting: optionalUint },
  forward: {
    ...publication,
    key: optionalText,
    members: fc.array(chosen, { maxLength: 3 }),
    plain: fc.boolean(),
    abroad: fc.constantFrom(undefined, true),
    retained,
  },
  deliver: {
    ...publication,
    attempt: optionalUint,
    id: uint,
    missed: optionalUint,
    retained: fc.constantFrom(undefined, true),
    tag: optionalUint,
  },
  gap: { id: uint, missed: uint },
  taken: { bytes: uint, id: uint },
  interest: { added: interests, from: uint, removed: interests, version: uint },
  'interest-have': { version: uint },
  'publish-run': { by: name, payload: run, seq: uint, topic: text },
  'forward-run': { at: uint, by: name, payload: run, seq: uint, topic: text },
  'deliver-run': { at: uint, by: name, id: uint, missed: optionalUint, payload: run, seq: uint, topic: text },
  store: {
    ...publication,
    key: optionalText,
    members: fc.array(chosen, { maxLength: 3 }),
    n: uint,
    plain: fc.boolean(),
    abroad: fc.constantFrom(undefined, true),
    retained,
  },
  abroad: { ...publication, cluster: name, key: optionalText, passed: names, to: names },
  stored: {
    behind: optionalUint,
    count: uint,
    n: uint,
    problem: fc.option(problem, { nil: undefined }),
    sequence: uint,
  },
  read: {
    ageMs: optionalUint,
    client: optionalText,
    durable: optionalName,
    from: optionalUint,
    id: uint,
    last: optionalUint,
    paced: fc.constantFrom(undefined, true),
    patterns: fc.array(text, { maxLength: 3 }),
    resume: fc.option(objects({ keep: name, next: uint }), { nil: undefined }),
  },
  reading: { id: uint, keep: text, next: uint, problem: fc.option(problem, { nil: undefined }) },
  kept: { ...publication, id: uint, missed: optionalUint, sequence: uint },
  acknowledge: { id: uint, sequence: uint },
  unread: { id: uint },
  settle: { done: uints, id: uint, refused: uints },
  discharge: { done: uints, left: uints, refused: uints, unseen: uints },
  brake: { id: uint, patterns: fc.array(text, { maxLength: 3 }) },
  retained: {
    answer: fc.constantFrom(undefined, true),
    bucket: optionalUint,
    buckets: fc.option(uints, { nil: undefined }),
    digest: optionalUint,
    entries: fc.option(fc.array(objects({ node: name, time: uint, topic: text }), { maxLength: 2 }), {
      nil: undefined,
    }),
  },
  returned: { ...publication, group: name, key: optionalText },
};

const everyKind = Object.keys(fields) as Kind[];

export function messageOf(kind: Kind): fc.Arbitrary<Exclude<WireMessage, { kind: 'unknown' }>> {
  return objects({ kind: fc.constant(kind), ...fields[kind] }).map(present) as never;
}

export const anyMessage = fc.oneof(...everyKind.map(messageOf));
export const kinds: readonly Kind[] = everyKind;

/** A message with its payload replaced by what it holds, for comparing. */
export function opened(message: WireMessage): object {
  if (!('payload' in message)) return message;
  const open = (payload: Payload) => payloadFrom(payload.bytes()).value();
  const errand = message.kind === 'call' && message.errand !== undefined ? { errand: open(message.errand) } : {};
  const following =
    message.kind === 'call' && message.following !== undefined ? { following: message.following.map(open) } : {};
  return { ...message, ...errand, ...following, payload: open(message.payload) };
}
