import { describe, expect, test } from 'vitest';
import { DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { readPlan } from '../../../src/engine/core/calls/plan.ts';
import { planOf } from './plans.ts';
import { cpuMs } from './values.ts';

const echo = (name: string, ...args: unknown[]) => ({ args, fun: 'echo', name });

function refusal(document: unknown, options = DEFAULT_CALLS) {
  const plan = readPlan(document, options);
  if (plan.ok) throw new Error('the plan was taken');
  expect(plan.problem.code).toBe('plan-invalid');
  return { path: plan.problem.path ?? '', says: plan.problem.message };
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

describe('a plan is refused before anything runs: ', () => {
  test.each<[string, unknown, string, string]>([
    ['a text', 'echo hi', '', 'a plan is a list of steps or an object with "steps", not a string'],
    ['nothing', undefined, '', 'not undefined'],
    ['an empty list', [], 'steps', 'the plan has no steps'],
    ['no steps', {}, 'steps', '"steps" must be a list, not undefined'],
    ['an unknown field', { steps: [echo('a')], retrun: 'all' }, 'retrun', 'a plan has no field "retrun"; it has steps'],
    ['an unknown kind of references', { steps: [echo('a')], refs: 'some' }, 'refs', '"strings" or "explicit"'],
    ['an unknown way to fail', { steps: [echo('a')], onError: 'stop' }, 'onError', '"fail" or "continue"'],
    ['a duration that is none', { steps: [echo('a')], timeoutMs: 1.5 }, 'timeoutMs', 'whole number of milliseconds'],
    ['a negative duration', { steps: [echo('a')], timeoutMs: -1 }, 'timeoutMs', 'whole number of milliseconds'],
    [
      'a step that is none',
      [echo('a'), 7],
      'steps[1]',
      'steps[1] must be an object with "name" and "fun", not a number',
    ],
    ['a step without a name', [{ fun: 'echo' }], 'steps[0].name', 'must be a text that is not empty'],
    ['an empty name', [echo('')], 'steps[0].name', 'must be a text that is not empty'],
    ['a very long name', [echo('x'.repeat(201))], 'steps[0].name', 'longer than 200 characters'],
    ['a step without a function', [{ name: 'a' }], 'steps[0].fun', 'the name of a function'],
    [
      'an unknown field of a step',
      [{ ...echo('a'), arg: [] }],
      'steps[0].arg',
      'unknown field "arg"; a step has name, fun',
    ],
    [
      'more retries than anybody can wait for',
      [{ ...echo('a'), retries: 101 }],
      'steps[0].retries',
      'must be a whole number from 0 to 100',
    ],
    ['args that are no list', [{ ...echo('a'), args: 'x' }], 'steps[0].args', 'must be a list, not a string'],
    ['kwargs that are no object', [{ ...echo('a'), kwargs: [1] }], 'steps[0].kwargs', 'must be an object'],
    ['locs that are no list', [{ ...echo('a'), locs: 'gpu' }], 'steps[0].locs', 'must be a list of texts'],
    ['a loc that is no text', [{ ...echo('a'), locs: ['gpu', 1] }], 'steps[0].locs', 'must be a list of texts'],
    ['a version that is no text', [{ ...echo('a'), version: 2 }], 'steps[0].version', 'must be a text'],
    ['an id that is no text', [{ ...echo('a'), functionId: '' }], 'steps[0].functionId', 'must be a text'],
    ['a time that is none', [{ ...echo('a'), timeoutMs: '5s' }], 'steps[0].timeoutMs', 'whole number of milliseconds'],
    ['idempotent "yes"', [{ ...echo('a'), idempotent: 'yes' }], 'steps[0].idempotent', 'must be true or false'],
    ['an unknown onError of a step', [{ ...echo('a'), onError: 'skip' }], 'steps[0].onError', '"fail" or "continue"'],
    [
      'two steps of one name',
      [echo('a'), echo('b'), echo('a')],
      'steps[2].name',
      'two steps are named "a": steps[0] and steps[2]',
    ],
    ['a step that waits for itself', [echo('a', 'a')], 'steps[0]', 'in a circle: a → a'],
    [
      'a cycle',
      [echo('a', 'c'), echo('b', 'a'), echo('c', ['b.x']), echo('d', 'c')],
      'steps[0]',
      'circle: a → b → c → a',
    ],
    ['a cycle over kwargs', [{ ...echo('a'), kwargs: { x: 'b' } }, echo('b', 'a')], 'steps[0]', 'circle: a → b → a'],
    [
      'an explicit reference to nobody',
      [echo('a', { $ref: 'x' })],
      'steps[0].args[0]',
      'refers to "x", and no step has that name',
    ],
    [
      'an explicit reference with a flaw',
      [echo('a'), echo('b', { $ref: 'a', path: 'x' })],
      'steps[1].args[0]',
      '"path" must be a list',
    ],
    [
      'a result that is no step',
      { steps: [echo('a')], return: ['a', 'b'] },
      'return[1]',
      'return[1] is "b", and no step has',
    ],
    ['results that are no list', { steps: [echo('a')], return: 'a' }, 'return', '"all" or a list of step names'],
    ['values that are no object', { done: ['a'], steps: [echo('a')] }, 'done', 'values by step, not a list'],
    [
      'a value of a step that is none',
      { done: { a: 1, b: 2 }, steps: [echo('a')] },
      'done.b',
      'has a value for "b", and no step has that name',
    ],
    ['resumable "yes"', { resumable: 'yes', steps: [echo('a')] }, 'resumable', 'must be true or false'],
  ])('%s', (_, document, path, says) => {
    const told = refusal(document);
    expect(told.path).toBe(path);
    expect(told.says).toContain(says);
  });

  test('for everything that is wrong with it at once, each with its place and step', () => {
    const plan = readPlan(
      {
        onEror: 'fail',
        return: ['a', 'bb'],
        steps: [
          { ...echo('a', { $ref: 'b', path: 1 }), arg: [], timeoutMs: 'soon' },
          { fun: '', name: 'bx' },
          7,
          echo('c', [{ x: { $ref: 'cc' } }]),
          echo('d', 'e'),
          echo('e', 'd'),
          echo('f', 'f', 'd'),
        ],
      },
      DEFAULT_CALLS,
    );
    if (plan.ok) throw new Error('the plan was taken');
    expect(plan.problems.map(({ path, step, message }) => [path, step, message.split(/; a|; it/)[0]])).toEqual([
      ['onEror', undefined, 'a plan has no field "onEror"'],
      ['steps[0].arg', 'a', 'steps[0] has an unknown field "arg"'],
      ['steps[0].timeoutMs', 'a', 'steps[0].timeoutMs must be a whole number of milliseconds'],
      ['steps[1].fun', 'bx', 'steps[1].fun must be the name of a function'],
      ['steps[2]', undefined, 'steps[2] must be an object with "name" and "fun", not a number'],
      ['steps[0].args[0]', 'a', 'steps[0].args[0]: "path" must be a list of field names and indexes'],
      [
        'steps[3].args[0][0].x',
        'c',
        'steps[3].args[0][0].x refers to "cc", and no step has that name; did you mean "c"?',
      ],
      ['steps[4]', 'd', 'the steps wait for each other in a circle: d → e → d'],
      ['steps[6]', 'f', 'the steps wait for each other in a circle: f → f'],
      ['return[1]', undefined, 'return[1] is "bb", and no step has that name; did you mean "bx"?'],
    ]);
    expect(plan.problems[0]?.message).toMatch(/; did you mean "onError"\?$/);
    expect(plan.problem.path).toBe('onEror');
    expect(plan.problem.message.split('\n')).toEqual([
      '10 things are wrong with the plan:',
      ...plan.problems.map(({ message }) => `  ${message}`),
    ]);
  });

  test('however much is wrong: the first hundred are kept, ten are told, all are counted', () => {
    const plan = readPlan(
      Array.from({ length: 5_000 }, (_, i) => echo(`s${i}`, { $ref: `t${i}` })),
      DEFAULT_CALLS,
    );
    if (plan.ok) throw new Error('the plan was taken');
    expect([plan.count, plan.problems.length]).toEqual([5_000, 100]);
    const lines = plan.problem.message.split('\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([
      12,
      '5000 things are wrong with the plan:',
      '  … and 4990 more; mpreg plan check lists them',
    ]);
  });

  test('more steps than the limit, naming it', () => {
    const options = { ...DEFAULT_CALLS, stepsMax: 2 };
    expect(readPlan([echo('a'), echo('b')], options).ok).toBe(true);
    expect(refusal([echo('a'), echo('b'), echo('c')], options).says).toContain('more than the limit of 2 (stepsMax)');
  });

  test('arguments nested deeper than the limit, naming it', () => {
    const options = { ...DEFAULT_CALLS, depthMax: 12 };
    expect(readPlan([echo('a', nested(10))], options).ok).toBe(true);
    expect(refusal([echo('a', nested(11))], options).says).toContain('deeper than the limit of 12 (depthMax)');
    expect(refusal([{ ...echo('a'), kwargs: { x: nested(100_000) } }], options).path).toBe('steps[0]');
  });

  test('a cycle of 50,000 steps, at once, and its path is not printed in full', () => {
    const steps = Array.from({ length: 50_000 }, (_, i) => echo(`s${i}`, `s${(i + 1) % 50_000}`));
    const started = cpuMs();
    const { says } = refusal(steps);
    expect(cpuMs() - started).toBeLessThan(2_000);
    expect(says).toContain('→ … 49985 more … →');
    expect(says.length).toBeLessThan(300);
  });

  test('a cycle behind many steps that are fine', () => {
    const steps = Array.from({ length: 1_000 }, (_, i) => echo(`s${i}`, i === 0 ? 'x' : `s${i - 1}`));
    expect(refusal([...steps, echo('x', 'y', 's3'), echo('y', 'x')]).says).toMatch(/circle: (x → y → x|y → x → y)/);
  });
});

describe('a plan that can be run', () => {
  test('knows who needs whom, each once, over args and kwargs alike', () => {
    const plan = planOf([
      echo('a'),
      { ...echo('b', 'a', 'a', 'a.x'), kwargs: { more: { deep: ['c'] } } },
      echo('c', { $ref: 'a' }),
    ]);
    expect(plan.steps.map(({ needs }) => needs)).toEqual([[], [0, 2], [0]]);
    expect(plan.steps.map(({ neededBy }) => neededBy)).toEqual([[1, 2], [], [1]]);
  });

  test.each<[string, object, readonly string[]]>([
    ['those that no other step references', {}, ['c', 'd']],
    ['all', { return: 'all' }, ['a', 'b', 'c', 'd']],
    ['those that are named', { return: ['d', 'a'] }, ['d', 'a']],
    ['none', { return: [] }, []],
  ])('has as results %s', (_, more, names) => {
    const plan = planOf({ steps: [echo('a'), echo('b', 'a'), echo('c', 'b'), echo('d', 'a')], ...more });
    expect(plan.results.map((i) => plan.steps[i]?.name)).toEqual(names);
  });

  test('takes its own way to fail for all steps that have none', () => {
    const plan = planOf({ onError: 'continue', steps: [echo('a'), { ...echo('b'), onError: 'fail' }] });
    expect(plan.steps.map(({ onError }) => onError)).toEqual(['continue', 'fail']);
  });

  test('treats texts as texts where references are explicit', () => {
    const plan = planOf({ refs: 'explicit', steps: [echo('a'), echo('b', 'a'), echo('c', { $ref: 'b' })] });
    expect(plan.steps.map(({ needs }) => needs)).toEqual([[], [], [1]]);
  });

  test('leaves literals alone, so that even "$ref" can be sent', () => {
    const plan = planOf([echo('a', { $lit: { $ref: 'nobody', path: 5 } }), echo('b', { $lit: 'b' })]);
    expect(plan.steps.every(({ needs }) => needs.length === 0)).toBe(true);
  });
});
