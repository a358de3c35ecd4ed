/** Calls that share a link, over real sockets: what comes of them is a matter of order, not of time. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, createNode, type MpregNode } from '../../src/engine/index.ts';
import { until } from '../contract/transport.ts';

const MIB = 1024 * 1024;
const large = new Uint8Array(12 * MIB).map((_, i) => i % 251);

let alpha: MpregNode;
let beta: MpregNode;
let near: Client;
let far: Client;
/** How many large results beta has made. */
let made = 0;
let letGo: () => void = () => undefined;

beforeAll(async () => {
  const inline = [
    {
      name: 'big',
      run: () => {
        made++;
        return large;
      },
    },
    { name: 'take', run: (bytes: Uint8Array) => bytes.length },
    { name: 'small', run: (text: string) => text },
    { name: 'held', run: () => new Promise<string>((resolve) => (letGo = () => resolve('at last'))) },
  ];
  beta = await createNode({ discover: false, inline, name: 'beta', workers: 1 });
  alpha = await createNode({ discover: false, name: 'alpha', peers: [beta.url], workers: 1 });
  near = await connect({ reconnect: false, urls: [beta.url] });
  far = await connect({ reconnect: false, urls: [alpha.url] });
  await until(() => alpha.snapshot().members.some(({ name, linked }) => name === 'beta' && linked), 'both are linked');
  while (!(await far.functions()).some(({ name }) => name === 'small'));
});

afterAll(async () => {
  await near?.close();
  await far?.close();
  await alpha?.kill();
  await beta?.kill();
});

/** Calls `small` again and again until the others are answered. Which answers came, in their order. */
async function meanwhile(client: Client, others: readonly Promise<unknown>[]): Promise<readonly string[]> {
  const order: string[] = [];
  let waiting = others.length;
  for (const other of others) {
    void other
      .finally(() => waiting--)
      .then(
        () => order.push('large'),
        () => order.push('failed'),
      );
  }
  while (waiting > 0) order.push(String(await client.call('small', 'small')));
  await Promise.all(others);
  return order;
}

/** On the client's own link to the node that has the functions, and on that of two nodes. */
const links: readonly (readonly [string, () => Client])[] = [
  ['a client and a node', () => near],
  ['two nodes', () => far],
];

describe.each(links)('on the link of %s', (_, client) => {
  test('small calls are answered while results of 12 MiB are on their way', async () => {
    const from = made;
    const results = [1, 2, 3].map(() => client().call('big'));
    await until(() => made === from + 3, 'the results are made');
    const order = await meanwhile(client(), results);
    expect(order.indexOf('large')).toBeGreaterThan(3);
    for (const value of await Promise.all(results)) {
      expect(Buffer.from(value as Uint8Array).equals(Buffer.from(large))).toBe(true);
    }
  });

  test('small calls are answered while arguments of 12 MiB are on their way', async () => {
    const calls = [1, 2, 3].map(() => client().call('take', large));
    const order = await meanwhile(client(), calls);
    expect(order.indexOf('large')).toBeGreaterThan(3);
    expect(await Promise.all(calls)).toEqual([12 * MIB, 12 * MIB, 12 * MIB]);
  });

  test('a call that takes long delays none that does not', async () => {
    const held = client().call('held');
    const answers = [];
    for (let n = 0; n < 20; n++) answers.push(await client().call('small', n));
    expect(answers).toEqual(Array.from({ length: 20 }, (__, n) => n));
    letGo();
    expect(await held).toBe('at last');
  });
});

test('what went in parts is counted for the metrics', async () => {
  const text = await (await fetch(`${beta.url.replace('ws', 'http')}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^mpreg_wire_${name}_total (\\d+)$`, 'm').exec(text)?.[1]);
  for (const way of ['in', 'out']) {
    expect(value(`part_bytes_${way}`)).toBeGreaterThan(6 * 12 * MIB);
    expect(value(`parts_${way}`)).toBeGreaterThan((6 * 12 * MIB) / 65_536);
  }
});
