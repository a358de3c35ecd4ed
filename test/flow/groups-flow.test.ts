/** What becomes of publishers when more is owed to groups than may be, and of what is owed when a link is gone. */
import { describe, expect, test } from 'vitest';
import type { Payload } from '../../src/engine/core/base/payload.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { Exchange, type Route } from '../../src/engine/core/topics/exchange.ts';
import type { DeliverMessage } from '../../src/engine/core/topics/messages.ts';
import { DEFAULT_TOPICS } from '../../src/engine/core/topics/options.ts';
import { Delivery } from '../../src/engine/flow/delivery.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { GroupsFlow } from '../../src/engine/flow/groups-flow.ts';
import { MemberWay } from '../../src/engine/flow/member-way.ts';

const LIMITS = { bytesMax: 1_000_000, messagesMax: 100, policy: 'drop-oldest' } as const;
const payload: Payload = {
  bytes: () => new Uint8Array(1),
  kept: () => payload,
  size: 1,
  value: () => ({ ok: true, value: 1 }),
};

let links = 0;
function client() {
  const got: DeliverMessage[] = [];
  const send = (message: Message) => {
    if (message.kind === 'deliver') got.push(message);
    return undefined;
  };
  const wire = { hold: () => undefined, isFull: false, release: () => undefined, runs: false, send };
  return { got, link: new FlowLink(++links, { name: 'c', role: 'client' }, wire) };
}

/** One node, which owes four messages at most, and one member of the group g with a window of one. */
function world() {
  const exchange = new Exchange<Delivery>('n', 1, DEFAULT_TOPICS);
  const ways = new Map<number, MemberWay>();
  const due: (() => void)[] = [];
  const forwarded: unknown[] = [];
  const flow = new GroupsFlow(
    {
      counters: { lost: 0, rechosen: 0, redelivered: 0 },
      deliver: () => undefined,
      exchange: () => exchange,
      forward: (node, _, members) => forwarded.push([node, ...members]) > 0,
      isAlive: () => true,
      later: (_, then) => void due.push(then),
      linkTo: () => undefined,
      memberWay: (id) => ways.get(id),
      memberWays: () => ways.values(),
    },
    { aloneTicks: 10, bytesMax: 1_000_000, messagesMax: 4 },
  );
  const join = (link: FlowLink) => {
    const terms = { window: 1 };
    const made = exchange.subscribe({ group: 'g', limits: LIMITS, patterns: ['job'], terms }, 0);
    if (!made.ok) throw new Error(made.problem.message);
    const way = new MemberWay(link, 1, { limits: LIMITS, terms }, (entrusted, how) => flow.settled(entrusted, how));
    ways.set(made.value.id, way);
    return way;
  };
  let seq = 0;
  const publish = (from: FlowLink) => {
    const route = exchange.route('job');
    if (!route.ok) throw new Error('no route');
    const to: Route<Delivery> = route.value;
    if (flow.refuses(to, from)) return 'refused';
    return flow.choose(new Delivery('job', 'p', ++seq, 0, undefined, payload), to, from).waiting === 0
      ? 'given'
      : 'owed';
  };
  const pass = () => {
    for (const then of due.splice(0)) then();
  };
  return { exchange, flow, forwarded, join, pass, publish };
}

describe('a publisher to a group that is owed too much', () => {
  test('is held until half of it is done', () => {
    const { flow, join, publish } = world();
    const [member, publisher] = [client(), client()];
    const way = join(member.link);
    expect([1, 2, 3].map(() => publish(publisher.link))).toEqual(['given', 'owed', 'owed']);
    expect(publisher.link.isHeld).toBe(false);
    expect(publish(publisher.link)).toBe('owed');
    expect([publisher.link.isHeld, flow.debts.size]).toEqual([true, 4]);
    way.settle({ done: [1], id: 1, kind: 'settle', refused: [] });
    expect([publisher.link.isHeld, flow.debts.size]).toEqual([true, 3]);
    way.settle({ done: [2], id: 1, kind: 'settle', refused: [] });
    expect([publisher.link.isHeld, flow.debts.size]).toEqual([false, 2]);
    expect(member.got.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('that is a member itself, with something to acknowledge, is refused: held, it could not', () => {
    const { join, publish } = world();
    const worker = client();
    const way = join(worker.link);
    expect([1, 2, 3, 4, 5].map(() => publish(worker.link))).toEqual(['given', 'owed', 'owed', 'owed', 'refused']);
    expect(worker.link.isHeld).toBe(false);
    for (const tag of [1, 2]) way.settle({ done: [tag], id: 1, kind: 'settle', refused: [] });
    expect(publish(worker.link)).toBe('owed');
  });

  test('that is held when it becomes a member is read again, or its acknowledgement would not be', () => {
    const { join, pass, publish } = world();
    const [stuck, worker] = [client(), client()];
    join(stuck.link);
    for (let i = 0; i < 4; i++) publish(worker.link);
    expect(worker.link.isHeld).toBe(true);
    join(worker.link);
    pass();
    expect([worker.got.length, worker.link.isHeld]).toEqual([1, false]);
  });
});

test('what was with a node whose link is gone is given to another member there once the link is known to be gone', () => {
  const { exchange, flow, forwarded, pass, publish } = world();
  const added = [1, 2].map((id) => ({ member: { group: 'g', id, window: 1 }, pattern: 'job' }));
  exchange.linked('m', 0);
  exchange.receive('m', { added, from: 0, kind: 'interest', removed: [], version: 1 }, 0);
  expect(publish(client().link)).toBe('given');
  const wire = client().link.wire;
  flow.closed(new FlowLink(++links, { address: '', id: 'm', name: 'm', role: 'peer' }, wire), []);
  expect(forwarded).toEqual([]);
  pass();
  expect(forwarded).toEqual([['m', { attempt: 2, debt: 2, group: 'g', id: expect.any(Number) }]]);
});
