import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { execCommand } from '../../../src/engine/host/functions/exec-command.ts';
import { splitWords } from '../../../src/engine/host/functions/split-words.ts';

const lines: readonly (readonly [string, readonly string[]])[] = [
  ['python3 predict.py', ['python3', 'predict.py']],
  ['  a\t b\n c  ', ['a', 'b', 'c']],
  [`run 'my file.py' "with 'both'" a\\ b`, ['run', 'my file.py', "with 'both'", 'a b']],
  [`one'two'"three"four`, ['onetwothreefour']],
  [`'' "" x`, ['', '', 'x']],
  [`"a\\"b\\\\c\\d" 'a\\b'`, ['a"b\\c\\d', 'a\\b']],
];

test.each(lines)('%j is split into its words, as a shell does it', (line, words) => {
  expect(splitWords(line)).toEqual({ words });
  const shell = execFileSync('sh', [
    '-c',
    `for word in ${line.replaceAll('\n', ' ')}; do printf '%s\\0' "$word"; done`,
  ]);
  expect(shell.toString().split('\0').slice(0, -1)).toEqual(words);
});

test('nothing is expanded', () => {
  expect(splitWords('echo $HOME "$HOME" *.py | cat; `id`')).toEqual({
    words: ['echo', '$HOME', '$HOME', '*.py', '|', 'cat;', '`id`'],
  });
});

test.each([
  [`a 'b`, 'the quote at character 3 has no end'],
  [`"a\\"`, 'the quote at character 1 has no end'],
  ['a\\', 'the \\ at its end keeps nothing'],
])('%j is refused', (line, misfit) => {
  expect(splitWords(line)).toEqual({ misfit });
});

test('a function may have its name before the command', () => {
  expect(execCommand('predict=python3 p.py x=1')).toEqual({
    args: ['p.py', 'x=1'],
    name: 'predict',
    program: 'python3',
  });
  expect(execCommand('python3 p.py x=1')).toEqual({ args: ['p.py', 'x=1'], name: undefined, program: 'python3' });
  expect(execCommand("'./a=b'")).toEqual({ args: [], name: undefined, program: './a=b' });
  for (const wrong of ['', 'predict=', '=python3', "predict='x", "f=''"]) {
    expect(() => execCommand(wrong), wrong).toThrow(expect.objectContaining({ code: 'input-invalid' }));
  }
});
