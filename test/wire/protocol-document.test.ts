/** `docs/PROTOCOL.md` is true: its examples are decoded and encoded, its tables compared with the code. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { EXTENSION, NUMBER_ARRAYS } from '../../src/engine/wire/extensions.ts';
import { Acceptor, Dialler } from '../../src/engine/wire/handshake-sides.ts';
import { KINDS } from '../../src/engine/wire/messages.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';
import { type HandshakeDigest, type Hello, type Join, proofText } from '../../src/engine/wire/proof.ts';
import { type Codec, DEFAULT_LIMITS, type WireMessage } from '../../src/engine/wire/wire.ts';

const document = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
const blocks = [...document.matchAll(/^```(\w+)\n(.*?)\n```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const blockOf = (language: string): string => blocks.find((block) => block.language === language)?.text ?? '';

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
