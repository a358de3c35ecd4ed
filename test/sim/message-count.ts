/**
 * Counts what a call or a plan costs on the wire: every one-way message about calls, between whom, and how many bytes, in
 * a quiet world in which all know each other and are linked before anybody asks. Kinds of messages that are new count, too.
 */
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { Checker } from '../../src/engine/sim/checkers/checker.ts';
import type { Answer, AskEvent } from '../../src/engine/sim/client.ts';
import { digest } from '../../src/engine/sim/digest.ts';
import type { ScenarioNode } from '../../src/engine/sim/scenario.ts';
import { makeNode } from '../../src/engine/sim/simulate.ts';
import { isAboutCalls } from '../../src/engine/sim/trace.ts';
import { World } from '../../src/engine/sim/world.ts';

/** One message on its way; `from` and `to` are names of nodes, or `client`. */
export interface Sent {
  readonly from: string;
  readonly to: string;
  readonly kind: Message['kind'];
  readonly bytes: number;
  /** Milliseconds after the question. */
  readonly atMs: number;
}

export interface Cost {
  /** What came back; undefined where nothing did. */
  readonly answer: Answer | undefined;
  readonly answeredMs: number;
  /** All that was sent, in order: what tidies up after the answer comes after `answeredMs`. */
  readonly messages: readonly Sent[];
  /** What went from one node to another: without the client's question and its answer. */
  readonly between: readonly Sent[];
  /** Values that any node holds at the end. */
  readonly held: number;
}

/** The names of nodes that a message of so many bytes or more was sent to or came from, the client's side not counted. */
export function carriersOf({ between }: Cost, bytesMin = 64 * 1024): ReadonlySet<string> {
  return new Set(between.filter(({ bytes }) => bytes >= bytesMin).flatMap(({ from, to }) => [from, to]));
}

export type CountedNode = Pick<ScenarioNode, 'name' | 'functions'> & Partial<ScenarioNode>;

/** `event.node` is the index of the node that is asked; `event.atMs` does not matter. */
export function costOf(nodes: readonly CountedNode[], event: AskEvent, watchMs = 10_000): Cost {
  const scenario = {
    calmMs: 0,
    diskMs: [0, 1] as const,
    events: [],
    faultsMs: 0,
    nodes: nodes.map((node) => ({ driftPpm: 0, resources: [], startMs: 0, ...node })),
    seed: 1,
    seeds: [],
    settleMs: 0,
    weather: { bytesPerMs: 1_000_000, dialMs: 5_000, latencyMs: [1, 1], patienceMs: [20_000, 20_000] } as const,
  };
  const world = new World(scenario, makeNode, new Checker());
  world.timeline.runUntil(ASK_AT_MS - 1);
  const sent: Sent[] = [];
  world.network.onSend = (from, message, to) => {
    if (!isAboutCalls(message)) return;
    const isAnswer = to.peer.role === 'client';
    const isQuestion = message.kind === 'plan' || (message.kind === 'call' && !message.routed);
    const name = (index: number) => nodes[index]?.name ?? 'nobody';
    sent.push({
      atMs: world.timeline.now - ASK_AT_MS,
      bytes: digest(message).bytes,
      from: isQuestion ? 'client' : name(from),
      kind: message.kind,
      to: isAnswer ? 'client' : name(to.place),
    });
  };
  let ask: ReturnType<World['ask']> | undefined;
  world.timeline.at(ASK_AT_MS, () => {
    ask = world.ask(event);
  });
  world.timeline.runUntil(ASK_AT_MS + watchMs);
  const between = sent.filter(({ from, to }) => from !== 'client' && to !== 'client');
  const held = world.living.reduce((sum, process) => sum + process.snapshot().calls.held, 0);
  return { answer: ask?.answers[0], answeredMs: (ask?.answeredAt ?? 0) - ASK_AT_MS, between, held, messages: sent };
}

const ASK_AT_MS = 20_000;
