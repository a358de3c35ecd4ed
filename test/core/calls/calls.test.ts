import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { done, failed } from '../../../src/engine/core/base/outcome.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { didNotHappen, type ProblemCode, problem } from '../../../src/engine/core/base/problems.ts';
import { Calls } from '../../../src/engine/core/calls/calls.ts';
import type { Asker, CallsEffect } from '../../../src/engine/core/calls/effects.ts';
import type { Arguments, CallMessage, CallsMessage, PlanReply } from '../../../src/engine/core/calls/messages.ts';
import { type CallsOptions, DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { TestPlaces } from './places.ts';
import { cpuMs, garbled, plain } from './values.ts';

const places = new TestPlaces();
for (const node of ['self', 'b', 'c']) places.offer(node, 'anywhere');
for (const node of ['b', 'c']) places.offer(node, 'often', { idempotent: true });
places.offer('self', 'here');
places.offer('b', 'there');

function machine(options: Partial<CallsOptions> = {}, seed = 1): Calls {
  const name = () => 'self';
  return new Calls({
    address: () => 'ws://self',
    name,
    options: { ...DEFAULT_CALLS, ...options },
    payload: plain,
    places,
    prng: new Prng(seed),
    self: 'self',
  });
}

const BARE = {
  idempotent: false,
  kind: 'call',
  locs: [],
  payload: plain({ args: [] }),
  routed: false,
  timeoutMs: 0,
} as const;

const client: Asker = { link: 1 };
const replyIn = (effects: readonly CallsEffect[]) => {
  const answer = effects.find((effect) => effect.kind === 'answer' && effect.message.kind === 'result');
  if (answer?.kind !== 'answer' || answer.message.kind !== 'result') return undefined;
  const value = answer.message.payload.value();
  return value.ok ? (value.value as PlanReply) : undefined;
};

/** Runs a plan of steps on this node alone, where every function returns its first argument. */
function runHere(steps: readonly object[]): PlanReply | undefined {
  const calls = machine();
  calls.request(client, { id: 1, kind: 'plan', payload: plain(steps), timeoutMs: 60_000 }, 0);
  for (let effects = calls.drain(); effects.length > 0; effects = calls.drain()) {
    for (const effect of effects) {
      if (effect.kind !== 'run') continue;
      const args = effect.payload.value();
      calls.ran(effect.task, done(plain(args.ok ? (args.value as Arguments).args[0] : undefined)), 5);
    }
    const reply = replyIn(effects);
    if (reply !== undefined) {
      expect(calls.counts).toEqual({ held: 0, running: 0, waiting: 0 });
      expect(calls.deadline()).toBe(NEVER);
      return reply;
    }
  }
  return undefined;
}

describe('large plans run through calls without a deep stack or quadratic time:', () => {
  test.each<[string, (i: number) => unknown, object]>([
    ['10,000 steps that need nothing', (i) => i, { s9999: 9999 }],
    ['a chain of 10,000', (i) => (i === 0 ? 'end' : `s${i - 1}`), { s9999: 'end' }],
  ])('%s', (_, arg, results) => {
    const started = cpuMs();
    const reply = runHere(Array.from({ length: 10_000 }, (__, i) => ({ args: [arg(i)], fun: 'here', name: `s${i}` })));
    expect(cpuMs() - started).toBeLessThan(5_000);
    expect(reply?.results).toMatchObject(results);
    expect(reply?.problem).toBeUndefined();
  });

  test('10,000 steps that nobody can run', () => {
    const steps = Array.from({ length: 10_000 }, (_, i) => ({ fun: 'nowhere', name: `s${i}`, onError: 'continue' }));
    const calls = machine();
    calls.request(client, { id: 1, kind: 'plan', payload: plain(steps), timeoutMs: 0 }, 0);
    expect(replyIn(calls.drain())?.steps.every(({ problem: why }) => why?.code === 'function-unknown')).toBe(true);
  });
});

describe('bytes that are no value', () => {
  test('are no plan', () => {
    const calls = machine();
    calls.request(client, { id: 4, kind: 'plan', payload: garbled(), timeoutMs: 0 }, 0);
    expect(calls.drain()).toMatchObject([
      { message: { id: 4, kind: 'error', problem: { code: 'value-undecodable', node: 'self' } } },
    ]);
  });

  test('fail the step that returned them, and pass through a single call unseen', () => {
    const calls = machine();
    calls.request(client, { id: 1, kind: 'plan', payload: plain([{ fun: 'there', name: 'a' }]), timeoutMs: 0 }, 0);
    calls.request(client, { ...BARE, fun: 'there', id: 2 }, 0);
    for (const effect of calls.drain()) {
      if (effect.kind !== 'forward') continue;
      calls.answer('b', { by: 'B', id: effect.message.id, kind: 'result', payload: garbled() }, 0);
    }
    const effects = calls.drain();
    expect(replyIn(effects)?.steps).toMatchObject([
      { node: 'B', problem: { code: 'value-undecodable', step: 'a' }, state: 'failed' },
    ]);
    expect(effects).toContainEqual({
      kind: 'answer',
      message: { by: 'B', id: 2, kind: 'result', payload: expect.anything() },
      to: client,
    });
  });
});

test('what a node does for itself is not counted among its calls', () => {
  const calls = machine();
  calls.request(client, { ...BARE, fun: 'mpreg.events', id: 1 }, 0);
  calls.request(client, { ...BARE, fun: 'here', id: 2 }, 0);
  expect(calls.counts).toEqual({ held: 0, running: 1, waiting: 1 });
  expect(calls.isIdle).toBe(false);
});

test('calls of different lives of a node have different numbers', () => {
  const seen = new Set<number>();
  for (let epoch = 0; epoch < 200; epoch++) {
    const calls = machine();
    calls.start(epoch);
    for (let id = 0; id < 50; id++) calls.request(client, { ...BARE, fun: 'there', id }, 0);
    for (const effect of calls.drain()) {
      if (effect.kind !== 'forward') continue;
      expect(Number.isSafeInteger(effect.message.id) && effect.message.id >= 0).toBe(true);
      seen.add(effect.message.id);
    }
  }
  expect(seen.size).toBe(200 * 50);
});

test('deadlines fall in order, however many calls with later ones have come and gone', () => {
  const calls = machine();
  for (const [id, timeoutMs] of [900, 300, 600].entries())
    calls.request(client, { ...BARE, fun: 'there', id, timeoutMs }, 0);
  for (let id = 10; id < 20_000; id++) {
    calls.request(client, { ...BARE, fun: 'there', id, timeoutMs: 30_000 }, 0);
    calls.cancel(client, id, 'never mind', 0);
  }
  calls.drain();
  const expired: number[] = [];
  while (calls.deadline() !== NEVER) {
    calls.advance(calls.deadline());
    for (const effect of calls.drain())
      if (effect.kind === 'answer' && effect.message.kind === 'error') expired.push(effect.message.id);
  }
  expect(expired).toEqual([1, 2, 0]);
});

/** What may happen to a machine; the numbers choose among what there is. */
const happenings = fc.array(
  fc.tuple(
    fc.constantFrom(
      'call',
      'call',
      'call',
      'plan',
      'result',
      'error',
      'ran',
      'fail',
      'cancel',
      'left',
      'broken',
      'undelivered',
      'time',
      'drain',
      'late',
    ),
    fc.nat(1_000),
    fc.nat(1_000),
  ),
  { maxLength: 60 },
);

interface Sent {
  readonly to: string;
  readonly id: number;
  readonly message: CallsMessage;
  readonly token: string;
}

/** Plays happenings on a machine and judges every effect: who is answered, what runs, and how often. */
class Judge {
  readonly calls = machine({ chainStepsMax: 1, stepsAtOnceMax: 3 });
  now = 0;
  /** Open requests, as `asker id`. */
  readonly #open = new Set<string>();
  readonly #sent: Sent[] = [];
  /** Those about which their node, or the link, has had its say. */
  readonly #past: Sent[] = [];
  readonly #tasks: { readonly task: number; readonly token: string }[] = [];
  /** By token: what is under way, and whether it may be done twice. */
  readonly #may = new Map<string, 'once' | 'often' | 'never again'>();
  #ids = 0;
  #accepting = true;

  happen(what: string, x: number, y: number): void {
    this.now += x % 7;
    const asker = ([{ link: 1 }, { link: 2 }, { node: 'c' }] as const)[x % 3] ?? client;
    const node = x % 2 === 0 ? 'b' : 'c';
    const code =
      (['not-here', 'overloaded', 'function-failed', 'link-lost', 'timed-out'] as ProblemCode[])[y % 5] ?? 'internal';
    const sent = this.#sent.splice(x % Math.max(1, this.#sent.length), 1)[0];
    if (sent !== undefined) (['result', 'error', 'undelivered'].includes(what) ? this.#past : this.#sent).push(sent);
    switch (what) {
      case 'call':
        this.#call(asker, x, y);
        break;
      case 'plan':
        this.#plan(asker, y);
        break;
      case 'result':
        if (sent) this.calls.answer(sent.to, { by: sent.to, id: sent.id, kind: 'result', payload: plain(y) }, this.now);
        break;
      case 'error':
        if (sent)
          this.#failed(
            sent,
            () => this.calls.answer(sent.to, { id: sent.id, kind: 'error', problem: problem(code, 'so') }, this.now),
            code,
          );
        break;
      case 'undelivered':
        if (sent)
          this.#failed(sent, () => this.calls.undelivered(sent.to, sent.message, 'so', this.now), 'nobody-there');
        break;
      case 'ran':
      case 'fail':
        this.#end(what, y, code);
        break;
      case 'late':
        this.#late(this.#past[x % Math.max(1, this.#past.length)], y);
        break;
      case 'cancel':
        this.calls.cancel(asker, y % (this.#ids + 1), 'so', this.now);
        break;
      case 'left':
        for (const open of this.#open) if (open.startsWith(`${JSON.stringify(asker)} `)) this.#open.delete(open);
        this.calls.askerLeft(asker, 'so');
        break;
      case 'broken':
        for (const { to, token } of this.#sent)
          if (to === node && this.#may.get(token) === 'once') this.#may.set(token, 'never again');
        this.calls.losses.broken(node, node, 'so', this.now);
        break;
      case 'time':
        this.now += y;
        this.calls.advance(this.now);
        break;
      case 'drain':
        this.#accepting = !this.#accepting;
        this.calls.accept(this.#accepting);
    }
    this.#judge(what === 'left' ? JSON.stringify(asker) : '');
  }

  /** Lets everything that is under way end; then nothing may be left. */
  settle(): void {
    for (let i = 0; i < 10_000 && this.#sent.length + this.#tasks.length > 0; i++) {
      this.happen('result', 0, 0);
      this.happen('ran', 0, 0);
    }
    expect([...this.#open]).toEqual([]);
    expect(this.calls.counts).toEqual({ held: 0, running: 0, waiting: 0 });
    expect(this.calls.deadline()).toBe(NEVER);
  }

  #call(asker: Asker, x: number, y: number): void {
    const id = ++this.#ids;
    const token = `t${id}`;
    const fun = ['anywhere', 'here', 'there', 'often', 'nowhere'][y % 5] ?? '';
    const idempotent = x % 5 === 0;
    this.#may.set(token, idempotent || fun === 'often' ? 'often' : 'once');
    this.#open.add(`${JSON.stringify(asker)} ${id}`);
    const timeoutMs = x % 4 === 0 ? y + 1 : 0;
    const call: CallMessage = {
      ...BARE,
      fun,
      id,
      idempotent,
      payload: plain({ args: [token] }),
      routed: 'node' in asker,
      timeoutMs,
    };
    this.calls.request(asker, call, this.now);
  }

  #plan(asker: Asker, y: number): void {
    const id = ++this.#ids;
    this.#open.add(`${JSON.stringify(asker)} ${id}`);
    const steps = ['here', 'there', 'anywhere', 'often', 'anywhere'].map((fun, i) => {
      this.#may.set(`t${id}.${i}`, fun === 'often' ? 'often' : 'once');
      return {
        args: [`t${id}.${i}`, ...(i > 1 ? [{ $ref: `s${i - 2}` }] : [])],
        fun,
        name: `s${i}`,
        timeoutMs: i * 100,
      };
    });
    const plan = { onError: y % 2 === 0 ? 'fail' : 'continue', steps };
    this.calls.request(asker, { id, kind: 'plan', payload: plain(plan), timeoutMs: y % 3 === 0 ? y + 1 : 0 }, this.now);
  }

  #end(what: 'ran' | 'fail', y: number, code: ProblemCode): void {
    const ended = this.#tasks.splice(y % Math.max(1, this.#tasks.length), 1)[0];
    if (ended === undefined) return;
    const { task } = ended;
    if (what === 'ran') this.calls.ran(task, done(plain(y)), this.now);
    else this.#failed(ended, () => this.calls.ran(task, failed(problem(code, 'so')), this.now), code);
  }

  /** A second word about a call from a node that has had its say changes nothing. */
  #late(past: Sent | undefined, y: number): void {
    if (past === undefined) return;
    const { to, id } = past;
    if (y % 3 === 0) this.calls.answer(to, { by: to, id, kind: 'result', payload: plain(y) }, this.now);
    else if (y % 3 === 1) this.calls.answer(to, { id, kind: 'error', problem: problem('not-here', 'so') }, this.now);
    else this.calls.undelivered(to, past.message, 'so', this.now);
    expect(this.calls.drain()).toEqual([]);
  }

  #failed({ token }: { readonly token: string }, tell: () => void, code: ProblemCode): void {
    if (!didNotHappen(problem(code, '')) && this.#may.get(token) === 'once') this.#may.set(token, 'never again');
    tell();
  }

  #judge(gone: string): void {
    for (const effect of this.calls.drain()) {
      if (effect.kind === 'answer' && (effect.message.kind === 'result' || effect.message.kind === 'error')) {
        const to = JSON.stringify(effect.to);
        expect(to).not.toBe(gone);
        expect(this.#open.delete(`${to} ${effect.message.id}`), 'an answer is to an open request').toBe(true);
      }
      if (effect.kind !== 'run' && effect.kind !== 'forward') continue;
      const payload = effect.kind === 'run' ? effect.payload : effect.message.payload;
      const args = payload.value();
      const token = args.ok ? String((args.value as Arguments).args[0]) : '';
      const under = this.#under(token);
      expect(this.#may.get(token)).not.toBe('never again');
      if (this.#may.get(token) === 'once') expect(under, `${token} is on one node at a time`).toBe(0);
      if (effect.kind === 'run') this.#tasks.push({ task: effect.task, token });
      else this.#sent.push({ id: effect.message.id, message: effect.message, to: effect.to, token });
    }
  }

  #under(token: string): number {
    return [...this.#tasks, ...this.#sent].filter((one) => one.token === token).length;
  }
}

test('whatever happens: each request is answered once, nothing that is not idempotent is begun again, nothing is left', () => {
  fc.assert(
    fc.property(happenings, (all) => {
      const judge = new Judge();
      for (const [what, x, y] of all) judge.happen(what, x, y);
      judge.settle();
    }),
    { numRuns: 2_000 },
  );
});

test('the same happenings have the same effects', () => {
  fc.assert(
    fc.property(happenings, (all) => {
      const play = () => {
        const calls = machine({}, 9);
        return all.map(([what, x, y], now) => {
          if (what === 'call') calls.request(client, { ...BARE, fun: 'anywhere', id: now, timeoutMs: y }, now);
          else if (what === 'broken') calls.losses.broken('b', 'b', 'so', now);
          else if (what === 'ran') calls.ran(x, done(plain(y)), now);
          else if (what === 'time') calls.advance(now + y);
          return JSON.stringify([calls.drain(), calls.deadline(), calls.counts]);
        });
      };
      expect(play()).toEqual(play());
    }),
  );
});
