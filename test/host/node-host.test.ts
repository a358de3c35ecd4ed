/** A host whose node says what the test tells it to say, and a client at the other end of a real link in memory. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Problem } from '../../src/engine/core/base/problems.ts';
import type { NodeEffect } from '../../src/engine/core/node/effects.ts';
import type { Message, NodeInput } from '../../src/engine/core/node/inputs.ts';
import type { Node } from '../../src/engine/core/node/node.ts';
import { systemDigest } from '../../src/engine/host/digest.ts';
import { Doors } from '../../src/engine/host/doors.ts';
import { systemEntropy } from '../../src/engine/host/entropy.ts';
import { type Log, NodeHost } from '../../src/engine/host/node-host.ts';
import { MemoryStore } from '../../src/engine/host/stores/memory.ts';
import { MemoryLog } from '../../src/engine/host/stores/memory-log.ts';
import { MemoryQueues } from '../../src/engine/host/stores/memory-queues.ts';
import { MemoryNetwork, MemoryTransport } from '../../src/engine/host/transports/memory.ts';
import { WireCounters } from '../../src/engine/host/wire-counters.ts';
import { WireLink } from '../../src/engine/host/wire-link.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';
import { until } from '../contract/transport.ts';

const FRAME_BYTES = 4_096;
const large = () => payloadOf('x'.repeat(10_000));

class ScriptedNode {
  readonly inputs: NodeInput[] = [];
  readonly #effects: NodeEffect[] = [];
  /** What an input causes. */
  causes: (input: NodeInput) => readonly NodeEffect[] = () => [];

  step(input: NodeInput): void {
    this.inputs.push(input);
    this.#effects.push(...this.causes(input));
  }

  drain(): NodeEffect[] {
    return this.#effects.splice(0);
  }

  deadline(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  snapshot(): unknown {
    return { record: { name: 'alpha' } };
  }
}

const hosts: NodeHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.kill();
});

function doorsOn(network: MemoryNetwork, frameBytesMax: number): Doors {
  const limits = { frameBytesMax, framesMax: 1_000 };
  const base = { cluster: 'c', digest: systemDigest, entropy: systemEntropy, key: undefined, tls: undefined };
  const identity = { address: 'ws://a:1', id: '01K0A3YQ8ZC5N7W2V4X6T9R1B0', name: 'alpha' };
  return new Doors({ ...base, limits, transport: new MemoryTransport(network) }, identity);
}

async function hosted(frameBytesMax = FRAME_BYTES, log?: Log) {
  const network = new MemoryNetwork();
  const node = new ScriptedNode();
  const doors = doorsOn(network, 1_000_000);
  const lines: string[] = [];
  const host = new NodeHost({
    clock: { now: () => 0, stop: () => undefined, wakeAt: () => undefined },
    doors,
    log: log ?? ((level, message) => void lines.push(`${level} ${message}`)),
    node: node as unknown as Node,
    queues: new MemoryQueues(),
    runner: {
      abort: () => undefined,
      close: async () => undefined,
      functions: [],
      more: () => undefined,
      own: () => undefined,
      run: () => undefined,
    },
    messages: { close: async () => undefined, memory: new MemoryLog(), stored: [] },
    store: new MemoryStore(),
  });
  hosts.push(host);
  const listener = await new MemoryTransport(network).listen({
    accept: (connection) => host.accept(connection),
    connectionsMax: 10,
    host: 'a',
    messageBytesMax: 2_000_000,
    port: 0,
    upgradeMsMax: 1_000,
  });
  doors.add(listener);
  const dialler = doorsOn(network, frameBytesMax);
  const heard: Message[] = [];
  const ends: string[] = [];
  const link = new WireLink(
    await dialler.dial(listener.url),
    dialler.diallerOptions(listener.url, 'client'),
    new WireCounters(),
    {
      closed: (_link, reason) => ends.push(reason),
      established: () => undefined,
      message: (_link, message) => heard.push(message),
    },
  );
  await until(() => node.inputs.some(({ kind }) => kind === 'link-up'), 'the link is up');
  /** Has the node do all that in one turn. */
  const does = (...effects: readonly NodeEffect[]) => {
    node.causes = (input) => (input.kind === 'advance' ? effects : []);
    host.input({ kind: 'advance' });
  };
  const says = (...messages: readonly Message[]) =>
    does(...messages.map((message): NodeEffect => ({ kind: 'send', link: 1, message })));
  return { does, ends, heard, host, lines, link, node, says };
}

const endOf = ({ heard }: { readonly heard: readonly Message[] }): Problem | undefined =>
  heard.flatMap((message) => (message.kind === 'error' ? [message.problem] : []))[0];

describe('a message that does not fit the wire', () => {
  test('a result becomes an error that does not say that nothing happened', async () => {
    const it = await hosted();
    it.says({ by: 'alpha', id: 7, kind: 'result', payload: large() });
    await until(() => it.heard.length > 0, 'an answer came');
    expect(it.heard).toMatchObject([{ id: 7, kind: 'error', problem: { code: 'limit-exceeded', outcome: 'unknown' } }]);
  });

  test('a call comes back to the node as one that did not happen', async () => {
    const it = await hosted();
    it.says({
      fun: 'f',
      id: 7,
      idempotent: false,
      kind: 'call',
      locs: [],
      payload: large(),
      routed: false,
      timeoutMs: 0,
    });
    expect(it.node.inputs.at(-1)).toMatchObject({
      kind: 'message',
      link: 1,
      message: { id: 7, kind: 'error', problem: { code: 'limit-exceeded', outcome: 'did-not-happen' } },
    });
  });

  test('an error is sent again without its cause, and with fewer words', async () => {
    const it = await hosted();
    const cause = { message: 'm', name: 'TypeError', stack: 's'.repeat(8_000) };
    it.says({
      id: 7,
      kind: 'error',
      problem: { cause, code: 'function-failed', fun: 'f', message: 'm'.repeat(9_000), node: 'alpha' },
    });
    await until(() => it.heard.length > 0, 'an answer came');
    expect(endOf(it)).toEqual({ code: 'function-failed', fun: 'f', message: 'm'.repeat(1_000), node: 'alpha' });
  });

  test('an error in a script of three bytes a letter is told at least by its code', async () => {
    const it = await hosted();
    it.says({
      id: 7,
      kind: 'error',
      problem: { code: 'function-failed', fun: '函'.repeat(900), message: '数'.repeat(9_000) },
    });
    await until(() => it.heard.length > 0, 'an answer came');
    expect(endOf(it)).toEqual({ code: 'function-failed', message: '数'.repeat(1_000) });
  });

  test('an item ends its stream: the node hears that, and nothing follows on its number', async () => {
    const it = await hosted();
    const item = (payload = payloadOf('small')): Message => ({ id: 7, kind: 'item', payload });
    it.says(item(), item(large()), item(), { id: 8, kind: 'item', payload: payloadOf('other') });
    expect(it.node.inputs.at(-1)).toMatchObject({ kind: 'message', link: 1, message: { id: 7, kind: 'cancel' } });
    it.says({ by: 'alpha', id: 7, kind: 'result', payload: payloadOf('a later call') });
    await until(() => it.heard.length >= 4, 'all came');
    expect(it.heard.map((message) => [message.kind, 'id' in message ? message.id : 0])).toEqual([
      ['item', 7],
      ['error', 7],
      ['item', 8],
      ['result', 7],
    ]);
    expect(endOf(it)).toMatchObject({ code: 'limit-exceeded', outcome: 'unknown' });
  });
});

describe('a bug', () => {
  test('of a listener or of the log costs no other effect of the turn', async () => {
    const shout: Log = () => {
      throw new Error('the log is full');
    };
    const it = await hosted(FRAME_BYTES, shout);
    const events: string[] = [];
    it.host.onEvent(() => {
      throw new Error('a careless listener');
    });
    it.host.onEvent((event) => events.push(event.kind));
    const small: Message = { id: 7, kind: 'item', payload: payloadOf('small') };
    it.does({ event: { kind: 'paused', ms: 5 }, kind: 'notify' }, { kind: 'send', link: 1, message: small });
    await until(() => it.heard.length === 1, 'the item came');
    expect(events).toEqual(['paused']);
  });

  test('of the node ends it whole: links are cut, what comes later is left, and whoever waits is told', async () => {
    const it = await hosted();
    it.node.causes = () => {
      throw new RangeError('a broken invariant');
    };
    it.link.send({ kind: 'beat', reply: false });
    await expect(it.host.stopped).rejects.toMatchObject({
      message: 'the node ended by a bug: a broken invariant',
      problem: { cause: { name: 'RangeError' }, code: 'internal' },
    });
    await until(() => it.ends.length === 1, 'the link was cut');
    const inputs = it.node.inputs.length;
    it.host.input({ kind: 'advance' });
    expect(it.node.inputs.length).toBe(inputs);
    expect(it.lines).toContain('error the node ended by a bug: a broken invariant');
  });
});

describe('a node that stops', () => {
  test('waits until the other side has taken what was sent to it', async () => {
    const it = await hosted();
    const order: string[] = [];
    void it.host.stopped.then(() => order.push('stopped'));
    it.link.connection.pause();
    const last: Message = { by: 'alpha', id: 7, kind: 'result', payload: payloadOf('the last answer') };
    it.does({ kind: 'send', link: 1, message: last }, { kind: 'close', link: 1, reason: 'over' }, { kind: 'stopped' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    order.push('read');
    it.link.connection.resume();
    await it.host.stopped;
    expect(it.heard).toMatchObject([{ id: 7, kind: 'result' }]);
    expect(order).toEqual(['read', 'stopped']);
  });

  test('does not wait for links when it is killed', async () => {
    const it = await hosted();
    it.link.connection.pause();
    it.host.kill();
    await expect(it.host.stopped).resolves.toBeUndefined();
  });
});
