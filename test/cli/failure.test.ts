import { describe, expect, test } from 'vitest';
import { failureOf, failureText } from '../../src/cli/failure.ts';
import { problemError } from '../../src/engine/index.ts';

const plain = { style: (_: unknown, text: string) => text, verbose: false };
const told = (fun: string, message: string) =>
  failureText(failureOf(problemError('timed-out', message, { fun }), []), plain);

describe('what commands ask nodes is told in words', () => {
  test.each([
    ['mpreg.info', 'mpreg.info did not end in time', 'error: the look at the node did not end in time'],
    [
      'mpreg.functions',
      'the link to b broke while it ran mpreg.functions: reset',
      'error: the link to b broke while it ran the list of functions: reset',
    ],
  ])('%s', (fun, message, says) => {
    expect(told(fun, message)).toContain(says);
    expect(told(fun, message)).not.toContain(fun);
  });

  test('but not the functions of users', () => {
    expect(told('mpreg.mine', 'mpreg.mine did not end in time')).toContain('error: mpreg.mine did not');
    expect(told('info', 'info did not end in time')).toContain('function: info');
  });
});
