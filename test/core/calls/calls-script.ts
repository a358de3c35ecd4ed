/**
 * The commands of the scripts that play with one `Calls` machine, on the node `self`. A word like `client1` is a client's
 * link, any other asker is a node.
 *
 *     offer b echo [version=2.0.0] [timeout=3s] [resources=gpu,eu] [id=x] [idempotent] [suspect]    withdraw b echo    rest b echo
 *     call client1 7 echo [timeout=5s] [locs=gpu,eu] [node=b] [version=1.0.0] [id=x] [idempotent] [routed] [depth=2] [paced]
 *     plan client1 7 [timeout=5s], with the document in the lines below      cancel client1 7      left client1
 *     result b 1 "value"    error b 1 not-here [unknown]    item b 1 "value"    broken b    undelivered b 1
 *     ran 2 "value"         failed 2 function-failed [unknown]    items 2 "value"
 *     more client1 7 3    drain    undrain    leave    end    at 3s    counts
 */
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { done, failed } from '../../../src/engine/core/base/outcome.ts';
import type { Payload } from '../../../src/engine/core/base/payload.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { type Problem, type ProblemCode, problem } from '../../../src/engine/core/base/problems.ts';
import { Calls } from '../../../src/engine/core/calls/calls.ts';
import { type ChainStep, packStep, readStep } from '../../../src/engine/core/calls/chain-step.ts';
import type { Asker, CallsEffect } from '../../../src/engine/core/calls/effects.ts';
import { type Chain, type Errand, packErrand, readErrand } from '../../../src/engine/core/calls/errand.ts';
import type {
  CallMessage,
  CallsMessage,
  Passed,
  PlanReply,
  ResultMessage,
} from '../../../src/engine/core/calls/messages.ts';
import { type CallsOptions, DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { type Command, complain, duration } from '../../scenario.ts';
import { TestPlaces } from './places.ts';
import { storyOf } from './plans.ts';
import { sized } from './values.ts';

export function callsScript(options: Partial<CallsOptions> = {}): (command: Command) => string {
  const places = new TestPlaces();
  const calls = new Calls({
    address: () => 'ws://self',
    name: () => 'self',
    options: { ...DEFAULT_CALLS, ...options },
    payload: sized,
    places,
    prng: new Prng(5),
    self: 'self',
  });
  let now = 0;
  const forwarded = new Map<string, CallsMessage>();
  const lines: string[] = [];
  const collect = () => {
    for (const effect of calls.drain()) {
      if (effect.kind === 'forward') forwarded.set(`${effect.to} ${effect.message.id}`, effect.message);
      lines.push(`${now === 0 ? '' : `${now} `}${textOf(effect, now)}`);
    }
  };
  return (command) => {
    lines.length = 0;
    if (command.name === 'counts') {
      const { running, waiting, held } = calls.counts;
      const at = calls.deadline();
      return `${waiting} waiting, ${running} running, ${held > 0 ? `${held} held, ` : ''}${at === NEVER ? 'no deadline' : `deadline ${at}`}`;
    }
    if (command.name === 'at') {
      const until = duration(command.words[0]);
      for (; calls.deadline() <= until; collect()) {
        now = Math.max(now, calls.deadline());
        calls.advance(now);
      }
      now = until;
    } else if (command.name === 'undelivered') {
      const [to = '', id] = command.words;
      const message = forwarded.get(`${to} ${id}`);
      if (message !== undefined) calls.undelivered(to, message, 'nobody listens', now);
    } else if (!offer(places, command)) {
      act(calls, command, now);
    }
    collect();
    return lines.join('\n');
  };
}

function offer(places: TestPlaces, { name, words, options }: Command): boolean {
  const [node = '', fun = ''] = words;
  if (name === 'withdraw') places.withdraw(node, fun);
  if (name === 'rest') places.rest(node, fun);
  if (name !== 'offer') return name === 'withdraw' || name === 'rest';
  const { timeout, resources, id, version } = Object.fromEntries(options);
  places.offer(node, fun, {
    idempotent: words.includes('idempotent'),
    resources: resources?.split(',') ?? [],
    suspect: words.includes('suspect'),
    ...(version === undefined ? {} : { version }),
    ...(id === undefined ? {} : { functionId: id }),
    ...(timeout === undefined ? {} : { timeoutMs: duration(timeout) }),
  });
  return true;
}

function act(calls: Calls, command: Command, now: number): void {
  const { name, words, input, options } = command;
  const [who = '', second = '', third = ''] = words;
  const id = Number(second);
  switch (name) {
    case 'call':
      return calls.request(askerOf(who), callOf(command), now);
    case 'plan':
      return calls.request(
        askerOf(who),
        { id, kind: 'plan', payload: sized(JSON.parse(input.join(' '))), timeoutMs: msOf(command) },
        now,
      );
    case 'cancel':
      return calls.cancel(askerOf(who), id, 'no longer wanted', now, options.get('at'));
    case 'holding': {
      const to = options.get('to');
      const { trail = [] } = wayOf(command);
      return calls.holding(
        who,
        {
          hops: Number(options.get('hops') ?? 1),
          id,
          kind: 'holding',
          plan: Number(options.get('plan') ?? 0),
          trail,
          ...(to === undefined ? {} : { to }),
        },
        now,
      );
    }
    case 'drop':
      return calls.drop(who, id);
    case 'more':
      return calls.more(askerOf(who), id, Number(third));
    case 'left':
      return calls.askerLeft(askerOf(who), `${who} left`);
    case 'result':
    case 'error':
    case 'item':
      return answer(calls, command, now);
    case 'dead':
      return calls.losses.dead(who, who, now);
    case 'broken':
      return calls.losses.broken(who, who, 'reset', now);
    case 'ran':
      return calls.ran(Number(who), done(sized(JSON.parse(words.slice(1).join(' ')))), now);
    case 'failed':
      return calls.ran(Number(who), failed(problemOf(second, words)), now);
    case 'items':
      return calls.item(Number(who), sized(JSON.parse(words.slice(1).join(' '))), now);
    case 'drain':
      return calls.accept(false);
    case 'undrain':
      return calls.accept(true);
    case 'leave':
      return calls.leave(now);
    case 'end':
      return calls.giveUp(now);
    default:
      return complain(command, 'no such command');
  }
}

function answer(calls: Calls, command: Command, now: number): void {
  const { name, words, options } = command;
  const [who = '', second = '', third = ''] = words;
  const id = Number(second);
  const way = wayOf(command);
  if (name === 'error') {
    calls.answer(who, { id, kind: 'error', problem: problemOf(third, words, who, options.get('path')), ...way }, now);
  } else if (name === 'result') {
    calls.answer(who, { by: who, id, kind: 'result', payload: sized(resultOf(words)), ...way }, now);
  } else {
    calls.answer(who, { id, kind: 'item', payload: sized(resultOf(words)) }, now);
  }
}

function callOf(command: Command): CallMessage {
  const { words, options } = command;
  const { node, version, id: functionId, depth, step } = Object.fromEntries(options);
  const [args, errand] = command.input.map((line) => JSON.parse(line));
  return {
    fun: words[2] ?? '',
    id: Number(words[1]),
    idempotent: words.includes('idempotent'),
    kind: 'call',
    locs: options.get('locs')?.split(',') ?? [],
    payload: sized(args ?? { args: [] }),
    routed: words.includes('routed'),
    timeoutMs: msOf(command),
    ...(errand === undefined ? {} : errandOf(errand)),
    ...(step === undefined ? {} : { step }),
    ...(node === undefined ? {} : { node }),
    ...(version === undefined ? {} : { version }),
    ...(functionId === undefined ? {} : { functionId }),
    ...(depth === undefined ? {} : { depth: Number(depth) }),
    ...(words.includes('paced') ? { paced: true } : {}),
  };
}

type OpenChain = Omit<Chain, 'steps'> & { readonly steps: readonly ChainStep[] };

/** In a script, the steps of a chain are objects. */
function errandOf({ chain, ...errand }: Omit<Errand, 'chain'> & { readonly chain?: OpenChain }) {
  const steps = chain?.steps.map((step) => packStep(step, sized)) ?? [];
  return packErrand(chain === undefined ? errand : { ...errand, chain: { ...chain, steps } }, sized);
}

function msOf({ options }: Command): number {
  const timeout = options.get('timeout');
  return timeout === undefined ? 0 : duration(timeout);
}

function askerOf(word: string): Asker {
  return word.startsWith('client') ? { link: Number(word.slice(6)) } : { node: word };
}

function problemOf(code: string, words: readonly string[], node?: string, path?: string): Problem {
  const details = {
    ...(path === undefined ? {} : { path }),
    ...(node === undefined ? {} : { node }),
    ...(words.includes('unknown') ? { outcome: 'unknown' as const } : {}),
  };
  return problem(code as ProblemCode, `${node ?? 'the task'} says ${code}`, details);
}

function textOf(effect: CallsEffect, now: number): string {
  switch (effect.kind) {
    case 'answer':
      return `→ ${'link' in effect.to ? `client${effect.to.link}` : effect.to.node}: ${messageText(effect.message)}`;
    case 'tell':
    case 'forward':
      return `→ ${effect.to}: ${messageText(effect.message)}`;
    case 'run': {
      const left = effect.deadline === NEVER ? '' : `, ${effect.deadline - now} ms left`;
      return `run ${effect.task}: ${effect.step === undefined ? '' : `${effect.step} = `}${effect.fun}(${argsText(effect.payload)})${left}${depthText(effect.depth)}${effect.paced ? ', paced' : ''}`;
    }
    case 'more':
      return `more ${effect.task}: ${effect.items} taken`;
    case 'abort':
      return `abort ${effect.task}: ${effect.reason}`;
  }
}

function messageText(message: CallsMessage): string {
  if (message.kind === 'drop') return `drop ${message.plan}`;
  const head = `${message.kind} ${message.id}`;
  switch (message.kind) {
    case 'call': {
      const left = message.timeoutMs === 0 ? '' : `, ${message.timeoutMs} ms left`;
      const step = message.step === undefined ? '' : `${message.step} = `;
      return `${head} ${step}${message.fun}(${argsText(message.payload)})${message.routed ? ' routed' : ''}${left}${depthText(message.depth)}${message.paced ? ', paced' : ''}${errandText(message)}`;
    }
    case 'plan':
      return head;
    case 'placed':
      return `${head}: it may ${message.idempotent ? '' : 'not '}be repeated`;
    case 'result': {
      const value = message.payload.value();
      const what = message.held ? 'held there' : value.ok ? resultText(value.value) : value.problem.code;
      return `${head} by ${message.by}${trailText(message)}: ${what}`;
    }
    case 'item': {
      const value = message.payload.value();
      return `${head}: ${value.ok ? JSON.stringify(value.value) : value.problem.code}`;
    }
    case 'error':
      return `${head}${trailText(message)} ${problemText(message.problem)}`;
    case 'more':
      return `${head}: ${message.items} taken`;
    case 'cancel':
      return `${head}${message.at === undefined ? '' : ` of ${message.at}`}: ${message.reason}`;
    case 'holding':
      return `${head}${trailText(message)}${message.to === undefined ? '' : ` to ${message.to}`}`;
  }
}

function depthText(depth: number | undefined): string {
  return depth === undefined ? '' : `, depth ${depth}`;
}

/** ` {plan 1 of self, may hold, needs a from b; chain 3, then c, d after 5 ms on b; tried b}` */
function errandText(message: CallMessage): string {
  const errand = readErrand(message);
  if (!errand?.ok) return '';
  const { at, plan, hold, inputs, chain } = errand.value;
  const needs = inputs.map(({ step, node }) => `, needs ${step} from ${node}`).join('');
  const head = `plan ${plan} of ${at}${hold ? ', may hold' : ''}${needs}`;
  if (chain === undefined) return ` {${head}}`;
  const then = chain.steps.map(nameOf).join(', ') || 'nothing';
  const tried = chain.tried.length === 0 ? '' : `; tried ${chain.tried.join(', ')}`;
  return ` {${head}; chain ${chain.ward}, then ${then}${trailText(chain)}${tried}}`;
}

function nameOf(packed: Payload): string {
  const step = readStep(packed);
  return step.ok ? step.value.name : '?';
}

function trailText({ trail = [] }: { readonly trail?: readonly Passed[] }): string {
  return trail.length === 0
    ? ''
    : ` after ${trail.map(({ node, ms, at }) => `${ms} ms on ${node}${at === undefined ? '' : ' (kept)'}`).join(', ')}`;
}

function resultOf(words: readonly string[]): unknown {
  return words.includes('held') ? null : JSON.parse(words.slice(2).join(' '));
}

/** `b:5`, or `b:5@b` where it keeps its value. */
function passedOf([node = '', how = '']: readonly string[]): Passed {
  const [ms, at] = how.split('@');
  return { ms: Number(ms), node, ...(at === undefined ? {} : { at }) };
}

/** `trail=b:5,c:7`, `held` and `plan=1`. */
function wayOf({ options, words }: Command): Pick<ResultMessage, 'trail' | 'held' | 'plan'> {
  const trail = options
    .get('trail')
    ?.split(',')
    .map((text) => text.split(':'));
  const plan = options.get('plan');
  return {
    ...(trail === undefined ? {} : { trail: trail.map(passedOf) }),
    ...(words.includes('held') ? { held: true } : {}),
    ...(plan === undefined ? {} : { plan: Number(plan) }),
  };
}

function resultText(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('steps' in value)) return JSON.stringify(value);
  const reply = value as PlanReply;
  const why = reply.problem === undefined ? '' : `; ${problemText(reply.problem)}`;
  const values = reply.values === undefined ? '' : `; values ${JSON.stringify(reply.values)}`;
  return `${JSON.stringify(reply.results)}; ${storyOf(reply)}${why}${values}`;
}

function problemText({ code, message, outcome, node, step }: Problem): string {
  const at = [node === undefined ? '' : `on ${node}`, step === undefined ? '' : `step ${step}`].filter(
    (text) => text !== '',
  );
  return `${code}${outcome === undefined ? '' : ` (${outcome})`}: ${message}${at.length === 0 ? '' : ` [${at.join(', ')}]`}`;
}

function argsText(payload: CallMessage['payload']): string {
  const value = payload.value();
  const args = value.ok ? (value.value as { args: unknown[] }).args : [];
  return args.map((arg) => JSON.stringify(arg)).join(', ');
}
