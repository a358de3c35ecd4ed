/** What is large holds up nothing else on its link; joined links, and a test that decides what passes between them. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { PARTS_BUFFERED_MAX } from '../../src/engine/host/large-frames.ts';
import { PART_BYTES, type Part, WHOLE_BYTES_MAX } from '../../src/engine/wire/parts.ts';
import { payloadFrom } from '../../src/engine/wire/payload.ts';
import type { WireMessage } from '../../src/engine/wire/wire.ts';
import { type JoinedOptions, joinedLinks, settle, turn } from './joined-links.ts';

const MIB = 1024 * 1024;

const item = (id: number, bytes: number, mark = 0): Message => ({
  id,
  kind: 'item',
  payload: payloadFrom(new Uint8Array(bytes).fill(mark)),
});
const result = (id: number, bytes = 3): Message => ({ ...item(id, bytes), by: 'alpha', kind: 'result' }) as Message;
const ping: Message = { kind: 'ping', rumors: [], seq: 5, target: 'b' };
const beat: Message = { kind: 'beat', reply: false };
const part = (stream: number, size: number, bytes: Uint8Array): Part => ({
  kind: 'part',
  payload: payloadFrom(bytes),
  size,
  stream,
});

const names = (messages: readonly WireMessage[]): string[] =>
  messages.map((message) => ('id' in message ? `${message.kind} ${message.id}` : message.kind));

async function agreed(options: JoinedOptions = {}) {
  const ends = joinedLinks(options);
  await settle(ends.acceptor, ends.dialler);
  return ends;
}

describe('a large message', () => {
  test('is overtaken by all that is small and of another number, and by nothing of its own', async () => {
    const { acceptor, dialler } = await agreed();
    for (const message of [item(1, 12 * MIB), result(1), item(2, 3 * MIB)]) acceptor.link.send(message);
    await turn();
    for (const message of [ping, beat, result(3), { id: 2, kind: 'error', problem: { code: 'x', message: 'y' } }]) {
      acceptor.link.send(message as Message);
    }
    await settle(acceptor, dialler);
    expect(names(dialler.heard)).toEqual(['ping', 'beat', 'result 3', 'item 2', 'error 2', 'item 1', 'result 1']);
    expect(dialler.heard[5]).toMatchObject({ payload: { size: 12 * MIB } });
  });

  test('arrives, whatever else is sent and however the connection comes along', async () => {
    const step = fc.oneof(
      fc.record({
        bytes: fc.oneof(fc.nat(100), fc.nat(3 * WHOLE_BYTES_MAX)),
        id: fc.nat(3),
        kind: fc.constant('send'),
      }),
      fc.record({ bytes: fc.nat(9), id: fc.nat(2), kind: fc.constant('pass') }),
      fc.constant({ bytes: 0, id: 0, kind: 'turn' }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { acceptor, dialler } = await agreed();
        const sent: Message[] = [];
        let small = 0;
        for (const [i, { kind, bytes, id }] of steps.entries()) {
          if (kind === 'turn') await turn();
          if (kind === 'pass') acceptor.valve.pass(bytes);
          if (kind !== 'send') continue;
          const message = item(id, bytes, i);
          sent.push(message);
          expect(acceptor.link.send(message)).toBeUndefined();
          if (bytes <= WHOLE_BYTES_MAX) small += bytes + 16;
          expect(acceptor.valve.buffered).toBeLessThan(PARTS_BUFFERED_MAX + 2 * WHOLE_BYTES_MAX + small);
        }
        await settle(acceptor, dialler);
        const marks = (messages: readonly Message[], id: number) =>
          messages.map((one) =>
            'payload' in one && 'id' in one && one.id === id ? Buffer.from(one.payload.bytes()) : undefined,
          );
        for (const id of [0, 1, 2, 3]) {
          expect(marks(dialler.heard, id).filter(Boolean)).toEqual(marks(sent, id).filter(Boolean));
        }
        expect([dialler.ends, acceptor.counters.partsOut]).toEqual([[], dialler.counters.partsIn]);
      }),
      { numRuns: 40 },
    );
  });

  test('leaves in parts only while little is buffered, some in a turn, and goes on when that has been taken', async () => {
    const { acceptor, dialler } = await agreed();
    acceptor.link.send(item(1, 4 * MIB));
    for (let n = 0; n < 20; n++) await turn();
    const { counters, valve } = acceptor;
    expect(valve.buffered).toBeLessThan(PARTS_BUFFERED_MAX + 2 * WHOLE_BYTES_MAX);
    expect(counters.partBytesOut).toBeLessThan(PARTS_BUFFERED_MAX + 2 * WHOLE_BYTES_MAX);
    await settle(acceptor, dialler);
    expect(dialler.heard).toMatchObject([{ kind: 'item', payload: { size: 4 * MIB } }]);
    expect(counters.partBytesOut).toBe(dialler.counters.partBytesIn);
    expect(counters.partsOut).toBeLessThan((4 * MIB) / PART_BYTES + 2);
  });

  test.each<[string, JoinedOptions]>([
    ['a peer that does not know parts', { older: true }],
    ['a client that speaks JSON', { protocol: 'mpreg.v1.json', role: 'client' }],
  ])('goes whole to %s', async (_, options) => {
    const { acceptor, dialler } = await agreed(options);
    const message: Message = { id: 1, kind: 'cancel', reason: 'x'.repeat(MIB) };
    acceptor.link.send(message);
    await settle(acceptor, dialler);
    expect(dialler.heard).toEqual([message]);
    expect(acceptor.counters.partsOut).toBe(0);
  });

  test('is sent to its end before the link is closed, and before the other side hears that it will be', async () => {
    const { acceptor, dialler } = await agreed();
    acceptor.link.send(result(1, 3 * MIB));
    acceptor.link.send({ kind: 'goaway', problem: { code: 'node-stopping', message: 'over' } });
    acceptor.link.send(result(2, 2 * MIB));
    acceptor.link.close('over');
    acceptor.valve.pass();
    expect(names(dialler.heard)).toEqual(['result 1', 'goaway', 'result 2']);
    expect(dialler.ends).toMatchObject([{ reason: 'over' }]);
  });

  test('has arrived when a beat is answered that asked for all before it', async () => {
    const { acceptor, dialler } = await agreed();
    acceptor.link.send(result(1, MIB));
    dialler.link.send(result(2, MIB));
    acceptor.link.send({ all: true, kind: 'beat', reply: false });
    acceptor.link.send(beat);
    dialler.link.send({ all: true, kind: 'beat', reply: true });
    await settle(acceptor, dialler);
    expect(dialler.heard.map((message) => ('all' in message ? 'all' : message.kind))).toEqual([
      'beat',
      'result',
      'all',
    ]);
    expect(acceptor.heard.map(({ kind }) => kind)).toEqual(['result', 'beat']);
  });
});

describe('somebody who takes nothing', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  test('a client is cut off for what waits in parts, though nothing more is sent to it', async () => {
    const { acceptor } = await agreed({ role: 'client' });
    acceptor.link.send(result(1, 9 * MIB));
    for (let n = 0; n < 5; n++) await turn();
    vi.advanceTimersByTime(4_900);
    expect(acceptor.ends).toEqual([]);
    vi.advanceTimersByTime(200);
    const message = /^client notebook does not read: it is \d+ bytes behind, and was cut off$/;
    expect(acceptor.ends).toMatchObject([{ why: { code: 'limit-exceeded', message: expect.stringMatching(message) } }]);
    expect(acceptor.counters.cutOff).toBe(1);
  });

  test('a client that takes a little now and then is not', async () => {
    const { acceptor } = await agreed({ role: 'client' });
    acceptor.link.send(result(1, 15 * MIB));
    for (let n = 0; n < 10; n++) {
      for (let m = 0; m < 5; m++) await turn();
      vi.advanceTimersByTime(4_900);
      acceptor.valve.pass();
    }
    expect(acceptor.ends).toEqual([]);
  });

  test('a client is read while a large answer is on its way, and not while many are', async () => {
    const { acceptor, dialler } = await agreed({ role: 'client' });
    acceptor.link.send(result(1, 15 * MIB));
    for (let n = 0; n < 5; n++) await turn();
    expect(acceptor.valve.paused).toBe(false);
    for (const id of [2, 3]) acceptor.link.send(result(id, 15 * MIB));
    expect(acceptor.valve.paused).toBe(true);
    await settle(acceptor, dialler);
    expect(acceptor.valve.paused).toBe(false);
    expect(dialler.heard).toHaveLength(3);
  });

  test('whoever sends more than may wait is told, and the link goes on; what is small is still taken', async () => {
    const { acceptor, dialler } = await agreed();
    for (const id of [1, 2, 3, 4]) expect(acceptor.link.send(result(id, 15 * MIB))).toBeUndefined();
    expect(acceptor.link.send(result(5, 5 * MIB))).toMatchObject({
      code: 'overloaded',
      message: expect.stringMatching(/^\d+ bytes wait on this link already, and a result of \d+ does not fit into/),
    });
    expect(acceptor.link.send(item(4, 10))).toBeUndefined();
    await settle(acceptor, dialler);
    expect(names(dialler.heard).toSorted()).toEqual(['item 4', 'result 1', 'result 2', 'result 3', 'result 4']);
    expect(acceptor.link.send(result(5, 5 * MIB))).toBeUndefined();
  });
});

describe('parts of somebody who means harm', () => {
  const cases: readonly (readonly [string, readonly WireMessage[], string])[] = [
    ['of a stream on which nothing began', [part(3, 0, new Uint8Array(9))], 'no frame has begun there'],
    [
      'that never end, of many frames',
      [0, 1, 2, 3, 4].map((n) => part(n, 15 * MIB, new Uint8Array(1))),
      'are under way',
    ],
    ['of a frame over the limit', [part(0, 17 * MIB, new Uint8Array(1))], 'is over the limit'],
    ['that hold no frame', [part(0, 9, new Uint8Array(9))], 'does not fit'],
    ['that hold two frames', [part(0, 18, Buffer.from('000000050800000190'.repeat(2), 'hex'))], 'more than 1 frames'],
    ['that hold a part', [part(0, 12, Buffer.from('000000080a00000392000941', 'hex'))], 'parts hold a part'],
  ];
  test.each(cases)('%s: the link is closed, and the other side told why', async (_, messages, says) => {
    const { acceptor } = await agreed();
    acceptor.valve.bring(...messages);
    expect(acceptor.valve.said.at(-1)).toMatchObject({
      kind: 'goaway',
      problem: { code: 'protocol-violated', message: expect.stringContaining(says) },
    });
    acceptor.valve.pass();
    expect(acceptor.ends).toMatchObject([{ why: { code: 'protocol-violated' } }]);
    expect([acceptor.heard, acceptor.counters.violations]).toEqual([[], 1]);
  });

  test('before the handshake, and where they were not agreed on, they are refused', async () => {
    const early = joinedLinks();
    early.acceptor.valve.bring(part(0, 9, new Uint8Array(1)));
    early.acceptor.valve.pass();
    expect(early.acceptor.ends).toMatchObject([{ why: { code: 'protocol-violated' } }]);
    const { acceptor } = await agreed({ older: true });
    acceptor.valve.bring(part(0, 9, new Uint8Array(1)));
    acceptor.valve.pass();
    expect(acceptor.ends).toMatchObject([{ why: { message: 'parts were not agreed on' } }]);
  });

  test('a handshake between parts, or within them, changes nothing', async () => {
    const { acceptor, dialler } = await agreed();
    const again = dialler.valve.said[0] as WireMessage;
    expect(again.kind).toBe('join');
    const frame = Buffer.from('000000050300000190', 'hex'); // a welcome
    acceptor.valve.bring(part(1, 9, frame.subarray(0, 4)), again, part(1, 0, frame.subarray(4)), beat);
    expect([names(acceptor.heard), acceptor.ends]).toEqual([['beat'], []]);
  });
});
