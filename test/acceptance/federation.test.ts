/**
 * A federation of real processes: three clusters of three nodes, far from each other, deployed from a file and used through
 * the command line. Then hubs are killed while calls run, and one place is cut off and comes back.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Client,
  connect,
  type FederationHealth,
  type FederationView,
  type ProblemError,
} from '../../src/engine/index.ts';
import { BUILT, ended, type Ran, World } from '../cli/mpreg.ts';
import { FarApart } from './far-apart.ts';
import { until } from './until.ts';

/** us ── eu ── ap: what goes from us to ap passes eu. */
const ONE_WAY_MS = { 'ap eu': 60, 'eu us': 40 };
const ROUND_TRIP_MS = 2 * (60 + 40);
const PATIENCE_MS = 90_000;
const WORKERS = 4;

let world: World;
let places: FarApart;
const clients: Client[] = [];

beforeAll(async () => {
  world = new World(BUILT);
  places = new FarApart(world, ONE_WAY_MS);
  for (const id of ['us', 'eu', 'ap']) {
    await places.cluster(id, `export const of_${id} = (n) => [process.pid, n];\n`);
  }
  for (const { url } of places.all) {
    await until(
      `${url} sees its cluster`,
      async () => aliveAt(await clientAt(url)),
      (count) => count === 3,
      PATIENCE_MS,
    );
  }
}, 240_000);

afterAll(async () => {
  await Promise.allSettled(clients.map((client) => client.close()));
  places.close();
  await world.close();
});

async function clientAt(url: string): Promise<Client> {
  const client = await connect({ urls: [url] });
  clients.push(client);
  return client;
}

async function aliveAt(client: Client): Promise<number> {
  return (await client.members()).filter(({ state }) => state === 'alive').length;
}

/** The command line, at a node of that name. */
function at(name: string, ...words: string[]): Promise<Ran> {
  return world.mpreg([...words, '--url', places.node(name).url, '--timeout', '60s']);
}

async function document<Document>(name: string, ...words: string[]): Promise<Document> {
  const { code, stderr, stdout } = await at(name, ...words, '--json');
  if (code !== 0) throw new Error(`mpreg ${words.join(' ')} at ${name} ended with ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Document;
}

const healthAt = (name: string) => document<FederationHealth>(name, 'federation', 'health');

/** Waits until every hub has its links again, and reaches all clusters. */
async function untilWhole(): Promise<void> {
  for (const name of ['us-1', 'us-2', 'eu-1', 'eu-2', 'ap-1', 'ap-2']) {
    const client = await clientAt(places.node(name).url);
    const view = () => client.call.with({ node: name })('mpreg.federation.view') as Promise<FederationView>;
    const isWhole = ({ clusters, hubs, links }: FederationView) =>
      clusters.filter(({ state }) => state === 'reachable').length === 2 &&
      hubs.filter(({ reachable, withdrawn }) => reachable && !withdrawn).length === 6 &&
      links.filter(({ state }) => state === 'up').length > 0;
    await until(`${name} reaches all hubs`, view, isWhole, PATIENCE_MS);
  }
}

/** Calls that may be repeated, by so many at once, until told to stop. */
class Load {
  readonly latencies: number[] = [];
  /** Milliseconds, by what had been done last when the call was made. */
  readonly slowest = new Map<string, number>();
  readonly failures: string[] = [];
  /** What was done last. */
  phase = 'nothing was done yet';
  #stopped = false;
  readonly #done: Promise<unknown>;

  constructor(client: Client, fun: string) {
    this.#done = Promise.all(Array.from({ length: WORKERS }, () => this.#work(client, fun)));
  }

  async more(count: number): Promise<void> {
    const goal = this.latencies.length + count;
    await until(
      `${count} more calls`,
      () => this.latencies.length + this.failures.length,
      (n) => n >= goal,
      PATIENCE_MS,
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #work(client: Client, fun: string): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const from = performance.now();
      const { phase } = this;
      try {
        const reply = await client.ask(fun, [n], { idempotent: true, timeoutMs: PATIENCE_MS });
        expect(reply.value).toEqual([expect.any(Number), n]);
        const ms = performance.now() - from;
        this.latencies.push(ms);
        this.slowest.set(phase, Math.max(Math.round(ms), this.slowest.get(phase) ?? 0));
      } catch (error) {
        const { code, message, node } = (error as ProblemError).problem;
        const ms = Math.round(performance.now() - from);
        this.failures.push(`${phase}: ${code} after ${ms} ms at ${node ?? '?'}: ${message}`);
      }
    }
  }
}

const quantile = (values: readonly number[], share: number) =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0);

describe('three clusters of three processes, far from each other', { timeout: 300_000 }, () => {
  test('are deployed from a file, and a node that is no hub calls what only the farthest cluster has', async () => {
    const file = world.path('work', 'federation.json');
    places.write(file);
    const deploy = () => world.mpreg(['federation', 'deploy', file, '--json', '--timeout', '60s']);
    const first = await deploy();
    expect(first.stderr + first.stdout).toContain('"changed"');
    expect(first.code).toBe(0);
    const again = await deploy();
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout).clusters.map(({ state }: { state: string }) => state)).toEqual(
      Array(3).fill('unchanged'),
    );
    await untilWhole();
    const called = async () => JSON.parse((await at('us-3', 'call', 'of_ap', '7', '--json')).stdout);
    await until('us-3 can call what ap-3 has', called, ({ value }) => value !== undefined, PATIENCE_MS);
    const { cluster, node, tookMs, value } = await called();
    expect({ cluster, node, value }).toEqual({ cluster: 'ap', node: 'ap-3', value: [places.node('ap-3').pid, 7] });
    expect(tookMs).toBeGreaterThanOrEqual(ROUND_TRIP_MS);
    console.log(`      a call from us over eu to ap: ${tookMs} ms, of which ${ROUND_TRIP_MS} ms are the way`);
  });

  test('hear what is published in another, and use its queues', async () => {
    const listening = world.spawn(['subscribe', 'news.#', '--count', '3', '--json', '--url', places.node('ap-3').url]);
    const all = ended(listening);
    let said = 0;
    while (listening.exitCode === null && said < 200) {
      expect((await at('us-3', 'publish', 'news.harbour', `${said++}`)).code).toBe(0);
    }
    const heard = (await all).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).payload as number);
    expect(heard).toHaveLength(3);
    expect(heard).toEqual([0, 1, 2].map((n) => (heard[0] ?? 0) + n)); // once each, in order

    expect((await at('ap-3', 'queue', 'create', 'jobs')).code).toBe(0);
    const send = () => at('us-3', 'queue', 'send', 'jobs', '{"mail":7}', '--dedupe-id', 'mail-7');
    await until('the queue of ap is known in us', send, ({ code }) => code === 0, PATIENCE_MS);
    const there = await document<{ body: unknown }>('ap-3', 'queue', 'receive', 'jobs', '--wait', '20s');
    expect(there.body).toEqual({ mail: 7 });
    const back = await at('ap-3', 'queue', 'send', 'jobs', '"fetched"');
    expect(back.code).toBe(0);
    const here = await document<{ body: unknown }>('us-3', 'queue', 'receive', 'jobs', '--wait', '20s');
    expect(here.body).toBe('fetched');
    const { counts } = await document<{ counts: unknown }>('us-3', 'queue', 'info', 'jobs');
    expect(counts).toMatchObject({ dead: 0, delayed: 0, leased: 0, ready: 0 });
  });

  test('lose no call that may be repeated when hubs are killed: one on the way, one of the caller’s, one of the callee’s', async () => {
    const load = new Load(await clientAt(places.node('us-3').url), 'of_ap');
    await load.more(40);
    const calm = [...load.latencies];
    for (const victim of ['eu', 'us', 'ap']) {
      const name = await onTheWay(victim);
      load.phase = `${name} was killed`;
      await places.kill(name);
      await load.more(40);
      load.phase = `${name} was started again`;
      await places.start(name);
      await untilWhole();
      await load.more(20);
    }
    await load.stop();
    const { failures, latencies } = load;
    const late = latencies.filter((ms) => ms > 3 * quantile(calm, 0.5));
    const slowest = [...load.slowest].map(([phase, ms]) => `${phase}: ${ms} ms`);
    console.log(
      [
        `${latencies.length} calls answered while 3 hubs were killed, ${failures.length} failed; median ` +
          `${quantile(latencies, 0.5)} ms (before: ${quantile(calm, 0.5)}), 99 % ${quantile(latencies, 0.99)} ms`,
        `${late.length} took more than three times the median of before; the slowest, ${slowest.join('; ')}`,
      ]
        .map((line) => `      ${line}`)
        .join('\n'),
    );
    expect(failures).toEqual([]);
  });

  test('go on by themselves while one is cut off, say since when, and are whole again when it is back', async () => {
    places.cut('ap');
    const cutAt = performance.now();
    const unreachableAt = (name: string, ...clusters: string[]) =>
      until(
        `${name} cannot reach ${clusters}`,
        () => healthAt(name),
        ({ unreachable }) =>
          unreachable
            .map(({ cluster }) => cluster)
            .sort()
            .join() === clusters.join(),
        PATIENCE_MS,
      );
    await unreachableAt('us-3', 'ap');
    await unreachableAt('ap-3', 'eu', 'us');
    const { clusters, unreachable } = await healthAt('us-3');
    expect(clusters.find(({ cluster }) => cluster === 'ap')).toMatchObject({ score: 0, state: 'lost' });
    const since = unreachable[0]?.forMs ?? 0;
    expect(since).toBeGreaterThan(0);
    expect(since).toBeLessThanOrEqual(performance.now() - cutAt);
    expect((await at('us-3', 'federation', 'health')).stderr).toMatch(/cannot reach ap for \d/);
    expect((await at('us-3', 'federation', 'health', '--exit-code')).code).toBe(8);
    expect((await at('us-3', 'call', 'of_us', '1')).code).toBe(0);
    expect((await at('us-3', 'call', 'of_eu', '1')).code).toBe(0);
    expect((await at('ap-3', 'call', 'of_ap', '1')).code).toBe(0);
    expect((await at('ap-3', 'queue', 'send', 'jobs', 'during')).code).toBe(0);
    const refused = await at('us-3', 'call', 'of_ap', '1', '--json');
    expect(refused.code).toBe(5);

    const listening = world.spawn(['subscribe', 'again.#', '--count', '1', '--json', '--url', places.node('ap-3').url]);
    const heard = ended(listening);
    places.wire.heal();
    const healedAt = performance.now();
    await until(
      'us reaches ap',
      () => healthAt('us-3'),
      (health) => health.unreachable.length === 0,
      PATIENCE_MS,
    );
    const wholeMs = performance.now() - healedAt;
    await untilWhole();
    expect((await at('us-3', 'call', 'of_ap', '1', '--idempotent')).code).toBe(0);
    expect((await at('ap-3', 'call', 'of_us', '1', '--idempotent')).code).toBe(0);
    const during = await document<{ body: unknown }>('us-3', 'queue', 'receive', 'jobs', '--wait', '20s');
    expect(during.body).toBe('during');
    for (let said = 0; listening.exitCode === null && said < 200; said++) await at('us-3', 'publish', 'again.now', '1');
    expect((await heard).stdout).toContain('again.now');
    console.log(`      ap was cut off for ${since} ms when asked; whole ${Math.round(wholeMs)} ms after it healed`);
  });
});

/** The hub of a cluster over which what goes from us to ap passes now. */
async function onTheWay(cluster: string): Promise<string> {
  const client = await clientAt(places.node('us-3').url);
  const ask = client.call.with({ locs: ['role:hub'] });
  const view = (await ask('mpreg.federation.view')) as FederationView;
  if (view.cluster === cluster) return view.name;
  const way = view.clusters.find((one) => one.cluster === 'ap')?.way ?? [];
  const names = way.map((id) => view.hubs.find(({ hub }) => hub === id));
  const found = names.find((hub) => hub?.cluster === cluster);
  if (found === undefined) throw new Error(`no hub of ${cluster} is on the way to ap`);
  return found.name;
}
