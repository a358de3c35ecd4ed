/**
 * One role of the topics benchmark, in a process of its own: `node roles.ts ROLE SIDE WORKLOAD URL`, steered over IPC by
 * `run.ts`. Every message says who published it and which one it is; a subscriber ends the benchmark at the first that is
 * lost, doubled or out of order.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createNode } from '../../src/engine/index.ts';
import { percentile } from '../load.ts';
import { type Bus, type Order, orderOf } from './bus.ts';
import { mpregBus } from './mpreg-bus.ts';
import { natsBus } from './nats-bus.ts';
import { WORKLOADS, type Workload, windowOf } from './workloads.ts';

/** What a role tells of itself when it is asked. */
export interface Told {
  /** Processor time so far, in microseconds. */
  readonly cpuUs: number;
  /** Published, or delivered to all subscriptions together. */
  readonly count: number;
  /** Of the loop, in milliseconds, since it was last asked. */
  readonly lagP99Ms: number;
  /** Of what was delivered since it was last asked, in microseconds. */
  readonly latencyUs?: { readonly p50: number; readonly p99: number };
  readonly rssMb: number;
}

const [role, side, name = '', where = ''] = process.argv.slice(2);
const workload = WORKLOADS[name] as Workload;
const bus = (): Promise<Bus> =>
  side === 'mpreg' ? mpregBus(where, workload.nodes > 1) : natsBus(where, workload.shape);
const topicOf = (n: number) => `bench.load.${n % workload.topics}`;
/** What is on its way is bounded by this: subscribers say here how much has come to all of them. */
const PROGRESS = 'bench.progress';
const lag = monitorEventLoopDelay({ resolution: 1 });
lag.enable();

/** Microseconds of a clock that all processes of this machine share. */
function clockUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}

/** Why by hand: the peer's bytes are windows of larger memory, mpreg's are not, and a view is cheap only on the former. */
function numberAt(bytes: Uint8Array, at: number, size: number): number {
  let number = 0;
  for (let i = at + size - 1; i >= at; i--) number = number * 256 + (bytes[i] as number);
  return number;
}

const eight = Buffer.alloc(8);
function doubleAt(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) eight[i] = bytes[at + i] as number;
  return eight.readDoubleLE(0);
}

function answer(count: number, latencies?: number[]): void {
  const { system, user } = process.cpuUsage();
  const sorted = Float64Array.from(latencies ?? []).sort();
  const told: Told = {
    count,
    cpuUs: system + user,
    lagP99Ms: lag.percentile(99) / 1e6,
    rssMb: process.memoryUsage.rss() / 1e6,
    ...(sorted.length > 0 && { latencyUs: { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) } }),
  };
  lag.reset();
  process.send?.(told);
}

async function subscribe(): Promise<void> {
  const { publishers, rate, shape, subscribers, topics } = workload;
  let latencies: number[] = [];
  let count = 0;
  const report = await bus();
  const step = Math.max(1, Math.floor(windowOf(workload) / 8));
  /** By subscriber: messages so far, and by publisher the next one that must come. */
  const heard = new Float64Array(subscribers);
  let reported = 0;
  for (let i = 0; i < subscribers; i++) {
    const next = new Float64Array(publishers);
    const take = (by: number, n: number) => {
      if (next[by] !== n) throw new Error(`of publisher ${by}, message ${n} came when ${next[by]} was due`);
      next[by] = n + 1;
      count++;
      const all = (heard[i] as number) + 1;
      heard[i] = all;
      if (all < reported + step || all % step !== 0) return;
      const least = heard.reduce((a, b) => Math.min(a, b));
      if (least < reported + step) return;
      reported = least;
      report.publish(PROGRESS, `${least}`);
    };
    const hear = (payload: unknown) => {
      if (shape === 'object') {
        const { by, items, n, user } = payload as Order;
        if (user.age !== 36 || items.length !== 5) throw new Error('an order is not what was sent');
        take(by, n);
        return;
      }
      const bytes = payload as Uint8Array;
      if (bytes.length !== workload.size) throw new Error(`${bytes.length} bytes came`);
      if (rate > 0) latencies.push(clockUs() - doubleAt(bytes, 8));
      take(numberAt(bytes, 4, 2), numberAt(bytes, 0, 4));
    };
    const own = await bus();
    await own.subscribe(topics === 1 ? topicOf(0) : 'bench.load.*', hear);
  }
  process.on('message', () => {
    answer(count, latencies);
    latencies = [];
  });
}

async function publish(): Promise<void> {
  const { publishers, rate } = workload;
  const buses = await Promise.all(Array.from({ length: publishers }, bus));
  const window = windowOf(workload);
  let arrived = 0;
  let sent = 0;
  let wake = () => {};
  await (buses[0] as Bus).subscribe(PROGRESS, (text) => {
    arrived = Number(typeof text === 'string' ? text : Buffer.from(text as Uint8Array).toString());
    wake();
  });
  let stopping = false;
  process.on('message', (what) => {
    if (what === 'stop') stopping = true;
    else if (what === 'go') void (rate > 0 ? paced() : flat()).then(() => process.send?.({ sent }));
    else answer(sent);
  });

  async function flat(): Promise<void> {
    const burst = Math.max(1, Math.min(512, Math.floor(window / 8)));
    for (let turn = 0; !stopping; turn++) {
      const own = turn % publishers;
      const from = Math.floor(turn / publishers) * burst;
      say(own, from, burst);
      await (buses[own] as Bus).room();
      if (own === publishers - 1) await new Promise(setImmediate);
      while (sent - arrived > window) await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  async function paced(): Promise<void> {
    const start = clockUs();
    while (!stopping) {
      const due = Math.floor(((clockUs() - start) * rate) / 1e6);
      if (due > sent) say(0, sent, Math.min(due - sent, window));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  function say(by: number, from: number, count: number): void {
    const { publish } = buses[by] as Bus;
    for (let n = from; n < from + count; n++) publish(topicOf(n), payloadOf(by, n));
    sent += count;
  }
}

function payloadOf(by: number, n: number): unknown {
  if (workload.shape === 'object') return orderOf(by, n);
  const bytes = Buffer.allocUnsafe(workload.size);
  bytes.writeUInt32LE(n, 0);
  bytes.writeUInt16LE(by, 4);
  if (workload.rate > 0) bytes.writeDoubleLE(clockUs(), 8);
  return bytes;
}

async function node(): Promise<void> {
  const made = await createNode({ discover: false, peers: where === '' ? [] : [where], workers: 1 });
  process.on('message', () => answer(0));
  process.send?.({ url: made.url });
}

process.on('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0)); // in order, so that a profiler can write what it saw
if (role === 'node') await node();
else {
  await (role === 'subscribe' ? subscribe() : publish());
  process.send?.({ ready: true });
}
