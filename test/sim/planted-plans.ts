/** Nodes with a bug planted in how they carry out plans, one for each law of plans. */
import type { Payload } from '../../src/engine/core/base/payload.ts';
import { readErrand } from '../../src/engine/core/calls/errand.ts';
import type { PlanReply, StepOutcome } from '../../src/engine/core/calls/messages.ts';
import type { NodeEffect } from '../../src/engine/core/node/effects.ts';
import type { Message, NodeInput } from '../../src/engine/core/node/inputs.ts';
import type { Birth, MakeNode } from '../../src/engine/sim/machine.ts';
import { planted } from './planted.ts';

type Fields = Record<string, unknown>;

/** Reads something else than what its clients wrote. */
function misreads(change: (head: Fields & { steps: Fields[] }) => Fields): MakeNode {
  return planted({
    inputs: (input, { payload }) => {
      if (input.kind !== 'message' || input.message.kind !== 'plan') return [input];
      const document = read(input.message.payload);
      const head = Array.isArray(document) ? { steps: document } : document;
      return [{ ...input, message: { ...input.message, payload: payload(change(head as { steps: Fields[] })) } }];
    },
  });
}

/** Does not know a reference when it sees one. */
export const missesReferences = misreads(({ steps, ...head }) => ({
  ...head,
  steps: steps.map(({ args, ...step }) => ({
    ...step,
    args: [(args as unknown[])[0], ...(args as unknown[]).slice(1).map((arg) => ({ $lit: arg }))],
  })),
}));

/** Takes the way into a value for the whole value. */
export const forgetsPaths = misreads(({ steps, ...head }) => ({
  ...head,
  steps: steps.map(({ args, ...step }) => ({
    ...step,
    args: (args as unknown[]).map((arg) => (typeof arg === 'string' ? (arg.split('.')[0] ?? '') : arg)),
  })),
}));

/** Takes every failure for the end. */
export const givesUpAtOnce = misreads(({ steps, ...head }) => ({
  ...head,
  steps: steps.map((step) => ({ ...step, onError: 'fail' })),
}));

/** Does not try again. */
export const neverRetries = misreads(({ steps, ...head }) => ({
  ...head,
  steps: steps.map((step) => ({ ...step, retries: 0 })),
}));

/** Does not care which version. */
export const ignoresVersions = misreads(({ steps, ...head }) => ({
  ...head,
  steps: steps.map(({ version: _, ...step }) => step),
}));

/** Likes old versions best where it may choose. */
export const prefersOldVersions = misreads(({ steps, ...head }) => ({
  ...head,
  steps: steps.map((step) => ({ version: '^1', ...step })),
}));

/** Gives all that there is, whatever was asked for. */
export const returnsTooMuch = misreads((head) => ({ ...head, return: 'all' }));

/** Allows plans a minute more than they have. */
export const isGenerous = planted({
  inputs: (input) => {
    if (input.kind !== 'message' || input.message.kind !== 'plan' || input.message.timeoutMs === 0) return [input];
    return [{ ...input, message: { ...input.message, timeoutMs: input.message.timeoutMs + 60_000 } }];
  },
});

/** Writes something else into the reply than what happened. */
function misreports(change: (reply: PlanReply) => PlanReply): MakeNode {
  return planted({
    effects: (effect, { payload }) => {
      if (effect.kind !== 'send' || effect.message.kind !== 'result') return [effect];
      const reply = read(effect.message.payload) as Partial<PlanReply> | undefined;
      if (reply?.steps === undefined || reply.results === undefined) return [effect];
      return [{ ...effect, message: { ...effect.message, payload: payload(change(reply as PlanReply)) } }];
    },
  });
}

function changeSteps(change: (step: StepOutcome) => StepOutcome): MakeNode {
  return misreports((reply) => ({ ...reply, steps: reply.steps.map(change) }));
}

export const forgetsAStep = misreports((reply) => ({ ...reply, steps: reply.steps.slice(1) }));

export const countsAStepTwice = misreports((reply) => ({
  ...reply,
  steps: [...reply.steps, ...reply.steps.slice(-1)],
}));

export const losesAResult = misreports(({ results, ...reply }) => ({
  ...reply,
  results: Object.fromEntries(Object.entries(results).slice(1)),
}));

export const hidesWhatWentWrong = misreports(({ problem: _, ...reply }) => reply);

export const callsSkippedDone = changeSteps((step) =>
  step.state === 'skipped' ? { fun: step.fun, name: step.name, node: 'n0', state: 'done' } : step,
);

export const callsDoneSkipped = changeSteps((step) =>
  step.state === 'done' ? { fun: step.fun, name: step.name, state: 'skipped' } : step,
);

/** Says of a step that it failed before it began, whatever happened. */
export const deniesFailures = changeSteps((step) =>
  step.problem === undefined ? step : { ...step, problem: { ...step.problem, outcome: 'did-not-happen' } },
);

export const keepsReasonsToItself = changeSteps(({ problem: _, ...step }) => step);

export const namesTheWrongFunction = changeSteps((step) => ({ ...step, fun: 'other' }));

export const blamesTheWrongStep = changeSteps((step) =>
  step.because === undefined ? step : { ...step, because: step.name },
);

/** Answers nobody. */
export const keepsAnswers = planted({
  effects: (effect) => (effect.kind === 'send' && effect.message.kind === 'result' ? [] : [effect]),
});

/** Says that a function which threw did nothing, so that its step is tried again whatever it was. */
export const takesFailedForUndone = planted({
  inputs: (input) => {
    if (input.kind !== 'ran' || input.outcome.ok) return [input];
    const problem = { ...input.outcome.problem, outcome: 'did-not-happen' as const };
    return [{ ...input, outcome: { ok: false, problem } }];
  },
});

/** Does not hear its clients when they take something back or go away. */
export const doesNotListen = planted({
  inputs: (input) =>
    input.kind === 'link-down' || (input.kind === 'message' && input.message.kind === 'cancel') ? [] : [input],
});

/** Starts what it was told to stop, once more. */
export function startsWhatItStopped(): MakeNode {
  return remembering((runs, input, effects) => {
    const told = input.kind === 'message' && input.message.kind === 'cancel';
    return told ? effects.flatMap((effect) => [effect, ...again(effect, runs)]) : effects;
  });
}

/** Starts a step of a plan again when it has long been over. */
export function startsOldWork(): MakeNode {
  return remembering((runs, input, effects, now) => {
    if (input.kind !== 'advance') return effects;
    const old = [...runs.values()].filter(({ at }) => now - at > 45_000);
    for (const { run } of old) runs.delete(run.task);
    return [...effects, ...old.map(({ run }) => run)];
  });
}

/** Never hears of the end of some functions. */
export function losesEnds(): MakeNode {
  return (birth) => {
    let ends = 0;
    return planted({ inputs: (input) => (input.kind === 'ran' && ++ends % 5 === 0 ? [] : [input]) })(birth);
  };
}

/** Keeps a value for ever. */
export const keepsValues = planted({
  snapshot: (snapshot) => ({ ...snapshot, calls: { ...snapshot.calls, held: 1 } }),
});

/** Hands every chain on twice. */
export const handsOnTwice = planted({
  effects: (effect) => (effect.kind === 'send' && isChain(effect.message) ? [effect, effect] : [effect]),
});

/** Never says that it has a chain. */
export const neverReports = planted({
  effects: (effect) => (effect.kind === 'send' && effect.message.kind === 'holding' ? [] : [effect]),
});

/** Does not tell anybody that a plan has ended. */
export const forgetsToDrop = planted({
  effects: (effect) => (effect.kind === 'send' && effect.message.kind === 'drop' ? [] : [effect]),
});

/** Lets go of chains: neither says where they are, nor passes their cancellations on. */
export const losesSightOfChains = planted({
  effects: (effect) => {
    if (effect.kind !== 'send') return [effect];
    const { message } = effect;
    return message.kind === 'holding' || (message.kind === 'cancel' && message.at !== undefined) ? [] : [effect];
  },
});

/** On the node `who`, an answer that says that a value is gone is taken for a value. */
function takesLostFor(who: string): MakeNode {
  return planted({
    inputs: (input, { name, payload }) => {
      if (input.kind !== 'message' || input.message.kind !== 'error' || name !== who) return [input];
      const { id, problem } = input.message;
      if (problem.code !== 'value-lost') return [input];
      return [{ ...input, message: { by: problem.node ?? 'newer', id, kind: 'result', payload: payload(null) } }];
    },
  });
}

/** Takes a step for done whose input is gone. */
export const takesLostForDone = takesLostFor('front');

/** Goes on with nothing in the place of an input that is gone. */
export const takesLostForNothing = takesLostFor('newer');

/** Passes on every item of a stream twice. */
export const stutters = planted({
  effects: (effect) => (effect.kind === 'send' && effect.message.kind === 'item' ? [effect, effect] : [effect]),
});

/** Does not hear that its clients have taken an item. */
export const overhearsTaking = planted({
  inputs: (input) => (input.kind === 'message' && input.message.kind === 'more' ? [] : [input]),
});

/** Keeps the fifth item of a stream to itself. */
export const swallowsItems = planted({
  effects: (effect) =>
    effect.kind === 'send' && effect.message.kind === 'item' && read(effect.message.payload) === 4 ? [] : [effect],
});

/** Says the last item once more after the outcome. */
export function speaksAfterTheEnd(): MakeNode {
  return (birth) => {
    let last: NodeEffect[] = [];
    return planted({
      effects: (effect) => {
        if (effect.kind !== 'send') return [effect];
        if (effect.message.kind === 'item') last = [effect];
        return effect.message.kind === 'result' ? [effect, ...last] : [effect];
      },
    })(birth);
  };
}

type Runs = Map<number, { readonly run: RunEffect; readonly at: number }>;
type RunEffect = Extract<NodeEffect, { readonly kind: 'run' }>;

/** Nodes that remember the runs of the steps of plans, and do something about them. */
function remembering(
  act: (runs: Runs, input: NodeInput, effects: NodeEffect[], now: number) => NodeEffect[],
): MakeNode {
  return (birth: Birth) => {
    const node = planted({})(birth);
    const runs: Runs = new Map();
    const out: NodeEffect[] = [];
    return {
      get exchange() {
        return node.exchange;
      },
      isAlive: (id) => node.isAlive(id),
      linkTo: (id) => node.linkTo(id),
      deadline: () => node.deadline(),
      drain: () => out.splice(0),
      snapshot: (now) => node.snapshot(now),
      step: (input, now) => {
        node.step(input, now);
        const effects = node.drain();
        for (const effect of effects) {
          if (effect.kind === 'run' && effect.step !== undefined) runs.set(effect.task, { at: now, run: effect });
        }
        out.push(...act(runs, input, effects, now));
      },
    };
  };
}

function again(effect: NodeEffect, runs: Runs): RunEffect[] {
  const stopped = effect.kind === 'abort' ? runs.get(effect.task) : undefined;
  return stopped === undefined ? [] : [stopped.run];
}

function isChain(message: Message): boolean {
  const errand = message.kind === 'call' ? readErrand(message) : undefined;
  return errand?.ok === true && errand.value.chain !== undefined;
}

function read(payload: Payload): unknown {
  const value = payload.value();
  return value.ok ? value.value : undefined;
}
