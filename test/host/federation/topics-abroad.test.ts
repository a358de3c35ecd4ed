import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Client,
  type FederationConfig,
  type MpregNode,
  ProblemError,
  type SubscribeOptions,
} from '../../../src/engine/index.ts';
import { Clusters, reached, until } from './two-clusters.ts';

const open: Clusters[] = [];
afterEach(async () => {
  for (const clusters of open.splice(0)) await clusters.close();
});

interface Chain {
  readonly clients: Readonly<Record<string, Client>>;
  readonly nodes: Readonly<Record<string, MpregNode>>;
}

/** red ── green ── blue, each of a hub and a node; green has a second hub. */
async function chain(rules: Pick<FederationConfig, 'exports' | 'imports'> = {}): Promise<Chain> {
  const clusters = new Clusters();
  open.push(clusters);
  const nodes: Record<string, MpregNode> = {};
  const clients: Record<string, Client> = {};
  const hub = async (
    cluster: string,
    name: string,
    links: Readonly<Record<string, MpregNode>>,
    peers: string[] = [],
  ) => {
    const to = Object.entries(links).map(([other, { url }]) => ({ addresses: [url], cluster: other }));
    nodes[name] = await clusters.node(cluster, name, {
      hub: { links: to, mode: 'permissive', region: cluster },
      peers,
    });
    return nodes[name];
  };
  const green = await hub('green', 'green-hub', {});
  await hub('green', 'green-hub-2', {}, [green.url]);
  const red = await hub('red', 'red-hub', { green });
  const blue = await hub('blue', 'blue-hub', { green });
  for (const [name, near] of Object.entries({ blue, green, red })) {
    const node = await clusters.node(name, `${name}-node`, {
      inline: [{ name: `of-${name}`, run: () => name }],
      peers: [near.url],
    });
    nodes[`${name}-node`] = node;
    await node.joined(60_000);
    clients[name] = await clusters.client(node);
    clients[`${name}-hub`] = await clusters.client(near);
  }
  if (rules.exports !== undefined || rules.imports !== undefined) {
    const asked = clients.red as Client;
    const view = (await asked.call.with({ locs: ['role:hub'] })('mpreg.federation.view')) as {
      config: FederationConfig;
    };
    const { version: _, ...config } = view.config;
    await asked.call.with({ locs: ['role:hub'] })('mpreg.federation.apply', { config: { ...config, ...rules } });
  }
  await reached(clients.red as Client, 'blue', 'of-blue');
  await reached(clients.blue as Client, 'red', 'of-red');
  return { clients, nodes };
}

/** What arrives at a subscriber, as texts. */
function ear(
  client: Client | undefined,
  pattern: string,
): { readonly heard: string[]; readonly ready: Promise<unknown> } {
  const heard: string[] = [];
  const ready = (client as Client).subscribe(pattern, { everywhere: true }).then((subscription) => {
    const listen = async () => {
      for await (const { topic, payload } of subscription) heard.push(`${topic} ${String(payload)}`);
    };
    listen().catch(() => undefined); // its client closes at the end
  });
  return { heard, ready };
}

/** Publishes until it arrives: what other clusters listen to is told, not known at once. */
async function reaches(client: Client | undefined, topic: string, heard: readonly string[]): Promise<void> {
  await until(`${topic} arrives`, async () => {
    await (client as Client).publish(topic, 'test');
    return heard.includes(`${topic} test`);
  });
}

describe('a message of a topic', () => {
  it('reaches subscribers of other clusters, each once and in order, over hubs between them', async () => {
    const { clients } = await chain();
    const inBlue = ear(clients.blue, 'order.*');
    const inGreen = ear(clients.green, 'order.#');
    const atHub = ear(clients['blue-hub'], 'order.eu');
    const home = ear(clients.red, '#');
    await Promise.all([inBlue.ready, inGreen.ready, atHub.ready, home.ready]);
    for (const { heard } of [inBlue, inGreen, atHub]) await reaches(clients.red, 'order.eu', heard);
    for (const { heard } of [inBlue, inGreen, atHub, home]) heard.length = 0;
    for (let i = 0; i < 200; i++) await clients.red?.publish('order.eu', i);
    await clients.red?.publish('order.eu.paid', 'deep');
    await clients.red?.publish('stock', 'here only');
    const wanted = Array.from({ length: 200 }, (_, i) => `order.eu ${i}`);
    const last = 'order.eu 199';
    await until('all have arrived', () => {
      const ends = [inBlue, atHub].every(({ heard }) => heard.includes(last));
      return ends && inGreen.heard.includes('order.eu.paid deep') && home.heard.includes('stock here only');
    });
    expect(inBlue.heard.filter((one) => !one.endsWith('test'))).toEqual(wanted);
    expect(atHub.heard.filter((one) => !one.endsWith('test'))).toEqual(wanted);
    expect(inGreen.heard.filter((one) => !one.endsWith('test'))).toEqual([...wanted, 'order.eu.paid deep']);
    expect(home.heard.filter((one) => !one.endsWith('test'))).toEqual([
      ...wanted,
      'order.eu.paid deep',
      'stock here only',
    ]);
  });

  it('reaches one member of a group in each cluster', async () => {
    const { clients } = await chain();
    const heard = { blue: [] as unknown[], red: [] as unknown[] };
    for (const name of ['red', 'blue'] as const) {
      for (const client of [clients[name], clients[`${name}-hub`]]) {
        const subscription = await (client as Client).subscribe('job.*', { everywhere: true, group: 'workers' });
        const listen = async () => {
          for await (const { payload } of subscription) heard[name].push(payload);
        };
        listen().catch(() => undefined);
      }
    }
    await until('it arrives in both', async () => {
      await clients.red?.publish('job.a', 'test');
      return heard.blue.includes('test') && heard.red.includes('test');
    });
    for (let i = 0; i < 20; i++) await clients.red?.publish('job.b', i);
    await until('all have arrived', () => heard.blue.includes(19) && heard.red.includes(19));
    for (const values of [heard.blue, heard.red]) {
      expect(values.filter((value) => value !== 'test')).toEqual(Array.from({ length: 20 }, (_, i) => i));
    }
  });

  it('goes only where rules let it, and comes only from where they do', async () => {
    const { clients } = await chain({
      exports: [
        { clusters: ['blue'], functions: ['*'], topics: ['open.#'] },
        { clusters: ['*'], functions: ['*'], topics: ['#'] },
      ],
      imports: [{ clusters: ['*'], functions: ['*'], topics: ['news.#'] }],
    });
    const inBlue = ear(clients.blue, '#');
    const inGreen = ear(clients.green, '#');
    const inRed = ear(clients.red, '#');
    await Promise.all([inBlue.ready, inGreen.ready, inRed.ready]);
    await reaches(clients.red, 'open.a', inBlue.heard);
    await reaches(clients.red, 'secret.a', inGreen.heard);
    await reaches(clients.blue, 'news.a', inRed.heard);
    await clients.red?.publish('secret.b', 'no');
    await clients.blue?.publish('other.b', 'no');
    await clients.red?.publish('open.b', 'last');
    await clients.blue?.publish('news.b', 'last');
    await until(
      'the last ones arrive',
      () => inBlue.heard.includes('open.b last') && inRed.heard.includes('news.b last'),
    );
    expect(inBlue.heard.filter((one) => one.startsWith('secret'))).toEqual([]);
    expect(inRed.heard.filter((one) => one.startsWith('other'))).toEqual([]);
  });

  it('that asks for an answer is answered from other clusters, as rules allow, to nodes and to hubs', async () => {
    const { clients } = await chain({
      exports: [{ clusters: ['*'], functions: ['*'], topics: ['ask.#'] }],
      imports: [{ clusters: ['*'], functions: ['*'], topics: [] }],
    });
    const heard = ear(clients.blue, 'ask.heard');
    for (const name of ['blue', 'green']) {
      await (clients[name] as Client).subscribe(['ask.*', 'secret.*'], {
        everywhere: true,
        onMessage: (message) => {
          if (message.payload === 'no')
            void message.refuse(new ProblemError({ code: 'function-failed', message: name }));
          else if (message.wantsReply) void message.reply(`${name} ${String(message.payload)}`);
        },
      });
    }
    await heard.ready;
    const ask = (client: string, topic: string, payload: unknown, timeoutMs = 30_000) =>
      (clients[client] as Client).request(topic, payload, { timeoutMs }).then(
        (reply) => reply.payload,
        (error: unknown) => (error as { code: string }).code,
      );
    await reaches(clients.red, 'ask.heard', heard.heard);
    for (const from of ['red', 'red-hub']) {
      const answers: unknown[] = [];
      await until('both clusters answer', async () => {
        answers.length = 0;
        const all = (clients[from] as Client).requestMany('ask.price', 7, { replies: 2, timeoutMs: 4_000 });
        for await (const { payload } of all) answers.push(payload);
        return answers.length === 2;
      });
      expect(answers.sort()).toEqual(['blue 7', 'green 7']);
      expect(await ask(from, 'ask.price', 'no')).toBe('function-failed');
      expect(await ask(from, 'secret.price', 7, 1_000)).toMatch(/no-responders|timed-out/);
      expect(await ask(from, 'nobody.here', 7, 1_000)).toMatch(/no-responders|timed-out/);
    }
    const atHub = await (clients['green-hub'] as Client).subscribe('hub.only', { everywhere: true });
    const reply = (async () => {
      for await (const message of atHub) if (message.wantsReply) await message.reply('from the hub');
    })();
    reply.catch(() => undefined); // its client closes at the end
    await until('a hub answers', async () => (await ask('blue', 'hub.only', 1, 2_000)) === 'from the hub');
  });

  it('that is the last of its topic comes to who subscribes later in another cluster, from its own one first, as rules allow', async () => {
    const { clients } = await chain({
      exports: [{ clusters: ['*'], functions: ['*'], topics: ['status.#', 'both.#'] }],
    });
    const publish = (from: string, topic: string, payload: unknown) =>
      (clients[from] as Client).publish(topic, payload, { retain: true });
    await publish('red', 'status.a', 'first');
    await publish('red', 'status.a', 'red a');
    await publish('red', 'status.b', 'cleared');
    await (clients.red as Client).publish('status.b', null, { retain: 'clear' });
    await publish('red', 'secret.a', 'kept at home');
    await publish('red', 'both.a', 'red both');
    await publish('green', 'both.a', 'green both');
    await publish('green', 'status.c', 'green c');
    const lastOf = async (client: string, patterns: string[], count: number, patienceMs = 20_000) => {
      const seen: string[] = [];
      const listening = await (clients[client] as Client).subscribe(patterns, {
        onMessage: ({ payload, retained, topic }) => void seen.push(`${topic} ${String(payload)} ${retained}`),
      });
      const end = performance.now() + patienceMs;
      while (seen.length < count && performance.now() < end) await pause(20);
      await listening.close();
      return seen.sort();
    };
    const wanted = ['both.a green both true', 'status.a red a true', 'status.c green c true'];
    for (const subscriber of ['blue', 'blue-hub']) {
      // What clusters retain is told, not known at once: until then, others have to answer.
      await until(
        'all come',
        async () => (await lastOf(subscriber, ['status.*', 'both.a', 'secret.#'], 3, 4_000)).length === 3,
      );
      expect(await lastOf(subscriber, ['#'], 3)).toEqual(wanted);
    }
    await publish('blue', 'both.a', 'blue both');
    await until('its own is there', async () => (await lastOf('blue', ['both.a'], 1))[0] === 'both.a blue both true');
    // What red does not give would come with what it gives, in one piece.
    expect(await lastOf('blue', ['secret.#', 'status.b', 'status.a'], 1)).toEqual(['status.a red a true']);
    const asked = clients.red?.call.with({ cluster: 'green', locs: ['role:hub'] });
    const refusal = asked?.('mpreg.federation.retained', { for: 'blue', patterns: ['#'] });
    await expect(refusal).rejects.toMatchObject({ code: 'not-allowed' });
  });

  it('that is kept in another cluster is read there by its number, without a gap, also over the end of a hub', async () => {
    const { clients, nodes } = await chain({
      exports: [{ clusters: ['*'], functions: ['*'], topics: ['sale.#'] }],
    });
    const red = clients.red as Client;
    await red.keep('#', { memory: true });
    await until('it is kept', async () => (await red.publish('sale.a', 0)).kept !== undefined);
    for (let i = 1; i <= 5; i++) await red.publish('sale.a', i);
    await red.publish('secret.a', 'kept at home');
    await red.publish('sale.b', new Uint8Array(2 ** 20));
    const blue = clients.blue as Client;
    const seen: (readonly [number, number | string])[] = [];
    const reading = await blue.subscribe('#', {
      from: 2,
      keptIn: 'red',
      timeoutMs: 60_000,
      onMessage: ({ payload, sequence = 0 }) =>
        void seen.push([sequence, payload instanceof Uint8Array ? 'bytes' : Number(payload)]),
    });
    await until('what is kept has come', () => seen.length === 6);
    expect(seen).toEqual([
      [2, 1],
      [3, 2],
      [4, 3],
      [5, 4],
      [6, 5],
      [8, 'bytes'],
    ]);
    await red.publish('sale.a', 6);
    await until('what comes follows', () => seen.length === 7);
    const refused = (patterns: string, options: SubscribeOptions) =>
      blue.subscribe(patterns, { from: 'first', timeoutMs: 60_000, ...options }).catch((error: unknown) => error);
    expect(await refused('#', { keptIn: 'nowhere' })).toMatchObject({ code: 'cluster-unknown' });
    expect(await refused('#', { durable: 'me', keptIn: 'red' })).toMatchObject({ code: 'input-invalid' });
    expect(await refused('#', { keptIn: 'green' })).toMatchObject({ code: 'keep-unknown' });
    await nodes['green-hub']?.kill(); // all ways lead over it
    await red.publish('sale.a', 7);
    const { url } = nodes['green-hub-2'] as MpregNode;
    for (const hub of ['red', 'blue']) {
      const asked = clients[hub]?.call.with({ idempotent: true, locs: ['role:hub'] });
      await asked?.('mpreg.federation.link', { action: 'add', addresses: [url], cluster: 'green' });
    }
    await until('it is read on', () => seen.length === 8);
    expect(seen.slice(6)).toEqual([
      [9, 6],
      [10, 7],
    ]);
    expect(reading.missed).toBe(0);
    await reading.close();
    const last = await blue.subscribe('sale.#', { keptIn: 'red', last: 1, timeoutMs: 60_000 });
    for await (const { payload, position, sequence } of last) {
      expect([payload, sequence, position?.startsWith('10@')]).toEqual([7, 10, true]);
      break;
    }
  });

  it('arrives again when the hub that speaks for a cluster is gone', async () => {
    const { clients, nodes } = await chain();
    const inGreen = ear(clients.green, 'order.#');
    await inGreen.ready;
    await reaches(clients.red, 'order.eu', inGreen.heard);
    const inRed = ear(clients.red, 'stock.#');
    await inRed.ready;
    await reaches(clients.green, 'stock.eu', inRed.heard);
    const hubs = [nodes['green-hub'], nodes['green-hub-2']] as MpregNode[];
    const speaker = hubs.sort((a, b) => (a.id < b.id ? -1 : 1))[0] as MpregNode;
    await speaker.kill();
    await reaches(clients.red, 'order.us', inGreen.heard);
    await reaches(clients.green, 'stock.us', inRed.heard);
  });
});

/** Whether each cluster gets it, and why not, as a hub of red explains it. */
async function explained(client: Client | undefined, ask: object): Promise<readonly string[]> {
  const answer = await (client as Client).call('mpreg.federation.explain', ask);
  const { clusters } = answer as { readonly clusters: readonly { cluster: string; fits: boolean; why: string }[] };
  return clusters.map(({ cluster, fits, why }) => `${cluster} ${fits ? 'yes' : 'no'}: ${why}`);
}

describe('an operator who asks where something would go', () => {
  it('is told which clusters hear a topic, and why the others do not', async () => {
    const exports = [
      { clusters: ['green'], functions: ['*'], topics: ['order.#'] },
      { clusters: ['*'], functions: ['*'] },
    ];
    const { clients } = await chain({ exports });
    const red = ear(clients.red, 'order.*');
    const blue = ear(clients.blue, 'order.eu');
    const green = ear(clients.green, 'order.eu');
    await Promise.all([red.ready, blue.ready, green.ready]);
    const asked = clients['red-hub'];
    await until('red knows who listens', async () => {
      const said = await explained(asked, { topic: 'order.eu' });
      return said.some((line) => line.startsWith('green yes')) && said.some((line) => line.includes('does not export'));
    });
    expect(await explained(asked, { topic: 'order.eu' })).toEqual([
      'red yes: its nodes listen to order.*',
      'green yes: somebody there listens, as its filter says',
      'blue no: the policy of this cluster does not export it',
    ]);
    expect(await explained(asked, { topic: 'price.eu.high' })).toEqual([
      'red no: nobody here listens to it',
      'green no: nobody there listens to it',
      'blue no: nobody there listens to it',
    ]);
    const wrong = (asked as Client).call('mpreg.federation.explain', { topic: 'order.#' });
    await expect(wrong).rejects.toMatchObject({ code: 'topic-invalid' });
  });

  it('hears of the own cluster only what it can do, in the region, the version and with the resources asked for', async () => {
    const { clients } = await chain();
    const asked = clients['red-hub'];
    const own = async (ask: object) => (await explained(asked, { fun: 'of-red', ...ask }))[0];
    expect(await own({})).toBe('red yes: the own cluster comes first');
    expect(await own({ region: 'blue' })).toBe('red no: it is in region red');
    expect(await own({ locs: ['gpu'] })).toBe('red no: red-node: lacks gpu');
    expect(await own({ version: '^9' })).toMatch(/^red no: red-node: .* is not in \^9$/);
    expect(await own({ fun: 'of-nobody' })).toBe('red no: it has no such thing itself');
  });
});
