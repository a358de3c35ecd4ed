/** Nodes with a bug planted in them, to see that the simulator finds it. */
import { Prng } from '../../src/engine/core/base/prng.ts';
import type { NodeEffect } from '../../src/engine/core/node/effects.ts';
import type { NodeInput } from '../../src/engine/core/node/inputs.ts';
import { Node } from '../../src/engine/core/node/node.ts';
import type { NodeSnapshot } from '../../src/engine/core/node/snapshot.ts';
import type { Exchange } from '../../src/engine/core/topics/exchange.ts';
import type { TopicsFlow } from '../../src/engine/flow/topics-flow.ts';
import type { TopicsFlowParts } from '../../src/engine/flow/topics-flow-parts.ts';
import type { Birth, MakeNode, NodeMachine } from '../../src/engine/sim/machine.ts';

interface Tampering {
  /** What the node gets in place of this input; nothing: it never comes. */
  readonly inputs?: (input: NodeInput, birth: Birth) => readonly NodeInput[];
  /** What leaves the node in place of this effect. */
  readonly effects?: (effect: NodeEffect, birth: Birth) => readonly NodeEffect[];
  /** What it says of itself. */
  readonly snapshot?: (snapshot: NodeSnapshot) => NodeSnapshot;
  /** Who gets messages of which topic. */
  readonly exchange?: (exchange: Exchange<unknown>) => Exchange<unknown>;
  /** What moves messages of topics beside it. */
  readonly flow?: (parts: TopicsFlowParts) => TopicsFlow;
}

/** Real nodes whose inputs and effects somebody tampers with. */
export function planted({
  inputs = (input) => [input],
  effects = (effect) => [effect],
  snapshot = (it) => it,
  exchange = (it) => it,
  flow,
}: Tampering): MakeNode {
  return (birth): NodeMachine => {
    const node = new Node(birth);
    return {
      deadline: () => node.deadline(),
      get exchange() {
        return node.exchange === undefined ? undefined : exchange(node.exchange);
      },
      ...(flow === undefined ? {} : { flow }),
      get abroad() {
        return node.abroad;
      },
      get federation() {
        return node.federation;
      },
      isAlive: (id) => node.isAlive(id),
      linkTo: (id) => node.linkTo(id),
      drain: () => node.drain().flatMap((effect) => effects(effect, birth)),
      snapshot: (now) => snapshot(node.snapshot(now)),
      step: (input, now) => {
        for (const given of inputs(input, birth)) node.step(given, now);
      },
    };
  };
}

/** Begins every life as if it were the first. */
export const forgetsItsEpoch = planted({
  inputs: (input) => [input.kind === 'start' ? { ...input, epoch: 0 } : input],
});

/** Takes its epoch for durable as soon as it has asked the disk. */
export const doesNotWaitForTheDisk = planted({
  inputs: (input) => (input.kind === 'start' ? [input, { fence: input.epoch + 1, kind: 'persisted' }] : [input]),
});

/** Says about others with one incarnation too many what it says about them. */
export const makesUpIncarnations = planted({
  effects: (effect, { id }) => {
    if (effect.kind !== 'send' || effect.message.kind !== 'gossip') return [effect];
    const rumors = effect.message.rumors.map((rumor) =>
      rumor.kind === 'member' && rumor.about !== id ? { ...rumor, incarnation: rumor.incarnation + 1 } : rumor,
    );
    return [{ ...effect, message: { ...effect.message, rumors } }];
  },
});

/** Runs every function twice, for good luck. */
export const runsTwice = planted({ effects: (effect) => (effect.kind === 'run' ? [effect, effect] : [effect]) });

/** Answers its clients twice. */
export const answersTwice = planted({
  effects: (effect) => (effect.kind === 'send' && effect.message.kind === 'result' ? [effect, effect] : [effect]),
});

/** Never hears what others say about it, so that it cannot contradict. */
export const isDeafToAccusations = planted({
  inputs: (input, { id }) => {
    if (input.kind !== 'message') return [input];
    const { message } = input;
    if (message.kind === 'sync-entries') {
      return [{ ...input, message: { ...message, entries: message.entries.filter((entry) => entry.id !== id) } }];
    }
    if (!('rumors' in message)) return [input];
    const rumors = message.rumors.filter((rumor) => rumor.kind !== 'member' || rumor.about !== id);
    return [{ ...input, message: { ...message, rumors } }];
  },
});

/** Keeps a call's answer to itself now and then. */
export function losesAnswers(): MakeNode {
  return (birth) => {
    const prng = new Prng(birth.seed);
    const keeps = (effect: NodeEffect) =>
      effect.kind === 'send' &&
      effect.message.kind === 'result' &&
      effect.message.by !== birth.name &&
      prng.chance(0.5);
    return planted({ effects: (effect) => (keeps(effect) ? [] : [effect]) })(birth);
  };
}

/** Throws when it is asked to drain. */
export const breaksDown = planted({
  inputs: (input) => {
    if (input.kind === 'drain') throw new TypeError('cannot read properties of undefined');
    return [input];
  },
});

/** Differs from run to run: something counts that no seed decides. */
export function isNeverTheSame(): MakeNode {
  let births = 0;
  return (birth) => new Node({ ...birth, seed: birth.seed + births++ });
}

/** Gives for the steps of plans, and only for them, another value than their functions gave. */
export function mixesUpValues(): MakeNode {
  return (birth) => {
    const steps = new Set<number>();
    return planted({
      effects: (effect) => {
        if (effect.kind === 'run' && effect.step !== undefined) steps.add(effect.task);
        return [effect];
      },
      inputs: (input) => {
        if (input.kind !== 'ran' || !input.outcome.ok || !steps.has(input.task)) return [input];
        return [{ ...input, outcome: { ok: true, value: birth.payload('something else') } }];
      },
    })(birth);
  };
}
