/** `docs/PROTOCOL.md` is true: its examples are decoded and encoded, its tables compared with the code. */
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DEFAULT_CALLS } from '../../src/engine/core/calls/options.ts';
import { readPlan } from '../../src/engine/core/calls/plan.ts';
import { builtIns } from '../../src/engine/host/built-ins.ts';
import { laterFunctions } from '../../src/engine/host/topics/later-functions.ts';
import { createNode, type MpregNode } from '../../src/engine/index.ts';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { EXTENSION, NUMBER_ARRAYS } from '../../src/engine/wire/extensions.ts';
import { Acceptor, Dialler } from '../../src/engine/wire/handshake-sides.ts';
import { KINDS } from '../../src/engine/wire/messages.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';
import { type HandshakeDigest, type Hello, type Join, proofText } from '../../src/engine/wire/proof.ts';
import { type Codec, DEFAULT_LIMITS, type WireMessage } from '../../src/engine/wire/wire.ts';
import { soon } from '../soon.ts';

const document = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
const blocks = [...document.matchAll(/^```(\w+)\n(.*?)\n```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const blockOf = (language: string): string => blocks.find((block) => block.language === language)?.text ?? '';

/** The texts between backquotes in the first column of the table under a heading, or in one of its rows. */
const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
function fieldsOf(heading: string): string[] {
  const from = document.indexOf(`| ${heading} |`);
  const rows = document.slice(from, document.indexOf('\n\n', from)).split('\n').slice(2);
  return rows.flatMap((row) => quoted(row.split('|')[1] ?? ''));
}
const rowOf = (name: string): string => new RegExp(`^\\| \`${name}\` \\|.*$`, 'm').exec(document)?.[0] ?? '';

const digest: HandshakeDigest = {
  equal: (a, b) => Buffer.from(a).equals(b),
  hmac: (secret, text) => createHmac('sha256', secret).update(text, 'utf8').digest(),
};

function decoded(protocol: Codec['protocol'], data: Uint8Array | string): readonly WireMessage[] {
  const outcome = codecOf(protocol).decode(data, DEFAULT_LIMITS);
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

function encoded(protocol: Codec['protocol'], messages: readonly WireMessage[]): Uint8Array | string {
  const batch = codecOf(protocol).batch(DEFAULT_LIMITS);
  for (const message of messages) expect(batch.add(message)).toEqual({ ok: true });
  return batch.take() ?? '';
}

const examples = blocks.flatMap(({ language, text }, i) => {
  const next = blocks[i + 1];
  if (language !== 'hex' || next?.language !== 'json') return [];
  return [{ hex: text.replace(/#.*$/gm, '').replace(/\s/g, ''), json: next.text }];
});

describe('in the document', () => {
  it('every block of bytes has its text', () => {
    expect(examples).toHaveLength(blocks.filter(({ language }) => language === 'hex').length);
    expect(examples.length).toBeGreaterThan(5);
  });

  it.each(examples)('$json is that, both ways', ({ hex, json }) => {
    expect(Buffer.from(encoded('mpreg.v1', decoded('mpreg.v1.json', json)) as Uint8Array).toString('hex')).toBe(hex);
    expect(encoded('mpreg.v1.json', decoded('mpreg.v1', Buffer.from(hex, 'hex')))).toBe(json);
  });

  it('the table of kinds is that of the code', () => {
    const rows = [...document.matchAll(/^\| (\d+) \| ([\w-]+) \| ([^|]+) \| (\w*) ?\|$/gm)].map((row) =>
      row.slice(1, 5),
    );
    const kinds = Object.entries(KINDS).map(([kind, { code, header, payload = '' }]) => {
      return [String(code), kind, header.fields?.join(', '), payload];
    });
    expect(rows).toEqual(kinds);
  });

  it('the table of extension types is that of the code', () => {
    const table = document.slice(document.indexOf('## Values'), document.indexOf('## `mpreg.v1.json`'));
    const types = [...table.matchAll(/^\| ([−\d]+) \|/gm)].map(([, type = '']) => Number(type.replace('−', '-')));
    expect(types.toSorted()).toEqual(Object.values(EXTENSION).toSorted());
    const arrays = [...table.matchAll(/(\d) (\w+?)(?=[,;])/g)].map(([, index, name]) => [
      Number(index),
      `${name}Array`,
    ]);
    expect(arrays).toEqual(NUMBER_ARRAYS.map((type, index) => [index, type.name]));
  });

  it('every tag of JSON means what its row says, and comes back', () => {
    const tags = [...document.matchAll(/^\| `(\{"\$.*\})` \|/gm)].map(([, json = '']) => json);
    expect(tags).toHaveLength(9);
    for (const json of tags) {
      const frame = `{"kind":"result","id":1,"by":"a","value":[${json}]}`;
      const [message] = decoded('mpreg.v1.json', frame);
      expect(encoded('mpreg.v1.json', [message as WireMessage])).toBe(frame);
      const plain = payloadOf([JSON.parse(json)]).bytes();
      expect(message && 'payload' in message && message.payload.bytes()).not.toEqual(plain);
    }
  });

  it('the session is one that both sides would have', () => {
    const key = Buffer.from('a key for the examples');
    const lines = blockOf('session').split('\n');
    const messages = lines.map((line) => decoded('mpreg.v1.json', line.slice(2))[0] as WireMessage);
    expect(messages.map((message, i) => `${lines[i]?.slice(0, 2)}${encoded('mpreg.v1.json', [message])}`)).toEqual(
      lines,
    );
    const [hello, join, welcome] = messages as [Hello, Join, WireMessage];
    const { cluster, ...node } = hello.node;
    const { nonce, frameBytesMax } = hello;
    const acceptor = new Acceptor({ cluster, digest, frameBytesMax, json: true, key, node, nonce });
    const dialler = new Dialler({ ...join, address: 'ws://a:1', digest, key });
    expect(acceptor.begin()).toEqual(hello);
    expect(dialler.receive(hello).reply).toEqual(join);
    expect(acceptor.receive(join)).toMatchObject({ kind: 'done', reply: welcome });
    expect(dialler.receive(welcome).kind).toBe('done');
    expect(proofText('dialler', hello, join)).toBe(blockOf('proof'));
  });
});

describe('on a node', () => {
  type Frame = Record<string, unknown>;
  let node: MpregNode;
  let socket: WebSocket;
  const items: Frame[] = [];
  const answers = new Map<unknown, (frame: Frame) => void>();

  beforeAll(async () => {
    node = await createNode({ discover: false, name: 'alpha', workers: 1 });
    socket = new WebSocket(node.url, 'mpreg.v1.json');
    socket.onmessage = ({ data }) => {
      for (const frame of [JSON.parse(String(data))].flat() as Frame[]) {
        if (frame['kind'] === 'item') items.push(frame['value'] as Frame);
        else answers.get(frame['id'])?.(frame);
      }
    };
    await once(socket, 'open');
  });

  afterAll(async () => {
    socket?.close();
    await node?.kill();
  });

  let last = 100;
  const answer = (frame: Frame): Promise<Frame> => {
    const { id = ++last } = frame;
    socket.send(JSON.stringify({ id, ...frame }));
    return new Promise((resolve) => answers.set(id, resolve));
  };
  const call = async (fun: string, ...args: unknown[]): Promise<unknown> => {
    return (await answer({ args, fun, kind: 'call' }))['value'];
  };

  it('the client does what it says', async () => {
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-', node.url]);
    run.child.stdin?.end(blockOf('js'));
    expect(await run).toEqual({ stderr: '', stdout: `${blockOf('text')}\n` });
  });

  it('the plan is answered as it says', async () => {
    const [plan = '', reply = ''] = blocks.flatMap(({ text }) =>
      /^{"kind":"(plan|result)","id":3,/.test(text) ? text : [],
    );
    const untimed = (text: string): unknown => JSON.parse(text.replace(/"(startedMs|tookMs)":\d+/g, '"$1":0'));
    expect(untimed(JSON.stringify(await answer(JSON.parse(plan) as Frame)))).toEqual(untimed(reply));
  });

  it('plans and their steps have the fields of the tables', () => {
    const step = { fun: 'echo', name: 'a' };
    const refusal = (plan: unknown): string => {
      const outcome = readPlan(plan, DEFAULT_CALLS);
      return outcome.ok ? '' : outcome.problem.message;
    };
    expect(refusal({ nope: 1, steps: [step] })).toMatch(new RegExp(`has ${fieldsOf('field of a plan').join(', ')}$`));
    const known = /a step has (.*)$/.exec(refusal([{ ...step, nope: 1 }]))?.[1]?.split(', ');
    expect(fieldsOf('field of a step').toSorted()).toEqual(known?.toSorted());
  });

  it('every function of its own is in the table, and answers with the fields that stand there', async () => {
    const host = {
      exchange: () => undefined,
      explain: () => ({ candidates: [], fun: '', seenBy: '' }),
      input: () => undefined,
      keeper: () => {
        throw new Error('nothing is kept here');
      },
      matches: () => ({ ok: true, value: [] }) as const,
      nameOf: (id: string) => id,
      onEvent: () => () => undefined,
      snapshot: () => node.snapshot(),
      subscriptions: () => [],
    };
    expect(fieldsOf('function').toSorted()).toEqual(
      [...builtIns(host), ...laterFunctions(() => undefined as never)].map(({ name }) => name).toSorted(),
    );
    const info = (await call('mpreg.info')) as { members: object[]; record: object };
    expect(Object.keys(info).toSorted()).toEqual(quoted(rowOf('mpreg.info')).slice(1).toSorted());
    const [offer = {}] = (await call('mpreg.functions')) as object[];
    const offered = quoted(rowOf('mpreg.functions')).slice(1);
    for (const key of Object.keys(offer)) expect([key, `${key}?`].some((name) => offered.includes(name))).toBe(true);
    for (const key of offered) if (!key.endsWith('?')) expect(offer).toHaveProperty(key);
    const explained = (await call('mpreg.explain', 'echo')) as { candidates: object[] };
    const parts = quoted(rowOf('mpreg.explain')).slice(6);
    expect(Object.keys(explained).filter((key) => !parts.includes(key))).toEqual([]);
    const held = document.slice(document.indexOf('What they hold:'), document.indexOf('| kind of event'));
    for (const key of [
      ...Object.keys(info.record),
      ...Object.keys(info.members[0] ?? {}),
      ...Object.keys(explained.candidates[0] ?? {}),
    ]) {
      expect(held).toMatch(new RegExp(`\`${key}\\??\``));
    }
  });

  it('events are streamed with the fields of their table', async () => {
    const table = document.slice(document.indexOf('| kind of event'));
    const streamed = answer({ fun: 'mpreg.events', id: 7, kind: 'call' });
    const beta = await createNode({ discover: false, name: 'beta', peers: [node.url], workers: 1 });
    try {
      const kinds = () => [...new Set(items.map(({ kind }) => kind))].toSorted();
      await vi.waitFor(() => expect(kinds()).toEqual(['function', 'link', 'member']), soon);
    } finally {
      await beta.leave();
    }
    for (const { kind, at, ...fields } of items) {
      const row = new RegExp(`^\\| ${kind} \\| (.*) \\|$`, 'm').exec(table)?.[1] ?? '';
      const known = row.replaceAll(/ \(.*?\)|\?/g, '').split(', ');
      expect(at).toBeTypeOf('number');
      expect(Object.keys(fields).filter((key) => !known.includes(key))).toEqual([]);
    }
    socket.send('{"kind":"cancel","id":7}');
    await streamed;
  });

  it('the node drains, takes up work again and leaves, where it is asked to', async () => {
    expect([await call('mpreg.drain'), node.snapshot().record.state]).toEqual([null, 'draining']);
    expect((await answer({ fun: 'echo', kind: 'call' }))['kind']).toBe('error');
    expect([await call('mpreg.undrain'), node.snapshot().record.state]).toEqual([null, 'active']);
    expect(await call('echo', 'hi')).toBe('hi');
    expect(await call('mpreg.leave', 0)).toBe(null);
    await node.stopped;
  });
});
