/** Nodes with a bug planted in what they do for queue users of other clusters. */
import { done } from '../../src/engine/core/base/outcome.ts';
import type { NodeEffect } from '../../src/engine/core/node/effects.ts';
import type { NodeInput } from '../../src/engine/core/node/inputs.ts';
import { Node } from '../../src/engine/core/node/node.ts';
import type { MakeNode, NodeMachine } from '../../src/engine/sim/machine.ts';
import { simPayload } from '../../src/engine/sim/payload.ts';

interface Bug {
  readonly inputs?: (input: NodeInput) => NodeInput;
  readonly effects?: (effect: NodeEffect) => readonly NodeEffect[];
}

function planted(bug: () => Bug): MakeNode {
  return (birth): NodeMachine => {
    const node = new Node(birth);
    const { inputs = (input) => input, effects = (effect) => [effect] } = bug();
    return {
      get abroad() {
        return node.abroad;
      },
      deadline: () => node.deadline(),
      drain: () => node.drain().flatMap(effects),
      get exchange() {
        return node.exchange;
      },
      get federation() {
        return node.federation;
      },
      isAlive: (id) => node.isAlive(id),
      linkTo: (id) => node.linkTo(id),
      snapshot: (now) => node.snapshot(now),
      step: (input, now) => node.step(inputs(input), now),
    };
  };
}

/** Runs each far command of a queue twice. */
export const runsTwice = planted(() => ({
  effects: (effect) => (effect.kind === 'run' && effect.fun.startsWith('mpreg.queue.') ? [effect, effect] : [effect]),
}));

/** Says something else of what has become of a send to a queue; undefined: that. */
function lying(lie: (outcome: Ran['outcome']) => Ran['outcome'] | undefined): MakeNode {
  return planted(() => {
    const tasks = new Set<number>();
    return {
      effects: (effect) => {
        if (effect.kind === 'run' && effect.fun === 'mpreg.queue.send') tasks.add(effect.task);
        return [effect];
      },
      inputs: (input) => {
        if (input.kind !== 'ran' || !tasks.delete(input.task)) return input;
        return { ...input, outcome: lie(input.outcome) ?? input.outcome };
      },
    };
  });
}

type Ran = Extract<NodeInput, { readonly kind: 'ran' }>;

/** Says that all is well where a queue has refused. */
export const hidesRefusals = lying(({ ok }) =>
  ok ? undefined : done(simPayload({ kind: 'sent', results: [{ id: 1 }] })),
);

/** Says of what a queue has done that it did not happen. */
export const deniesWhatHappened = lying(({ ok }) =>
  ok ? { ok: false, problem: { code: 'queue-full', message: 'there is no room' } } : undefined,
);
