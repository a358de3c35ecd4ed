/** The reader of documents against documents of its own: what it accepts, and what it complains about. */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { stepsOf } from './document.ts';
import { read } from './reader.ts';

const fence = '```';
const limits = { commandMs: 5_000, readyMs: 8_000 };
const doc = (...lines: string[]) => [`${fence}console`, ...lines, fence].join('\n');

test('a document that tells the truth is followed to its end', async () => {
  const text = `# A guide

${fence}sh hello.sh
echo "hello, $1"
${fence}

<!-- $ echo granted > granted -->

1. Indented, with a variable and a folder that last:

   ${fence}console
   $ mkdir -p deeper && mv hello.sh deeper && cd deeper
   $ export WHO=you
   $ sh hello.sh \\
     $WHO
   hello, you
   ${fence}

${fence}console
$ (echo ready 7; sleep 30) &
ready …
$ printf 'a   1\\nb   2\\nc   3\\n'
a 1
…
c …
$ false  # exits with 1
$ cat ../granted
granted
$ echo not shown
$ (sleep 0.1; echo up; sleep 30) &
$ test -x ../bin/mpreg
$ basename "$PWD"; echo "$HOME" | grep -c mpreg-docs-
deeper
1
${fence}

${fence}json
{ "not": "run" }
${fence}
`;
  expect(await read(text, limits)).toBeUndefined();
});

test.each([
  ['prints something else', doc('$ echo one', 'two'), 'line 2: echo one\nshows\ntwo\nbut printed\none\n'],
  ['prints more than is shown', doc('$ seq 2', '1'), 'line 2: seq 2\nshows\n1\nbut printed\n1\n2\n'],
  ['prints less than is shown', doc('$ seq 1', '1', '2'), 'line 2: seq 1\nshows\n1\n2\nbut printed\n1\n'],
  [
    'fails',
    doc('$ true', '$ echo why >&2; exit 3'),
    'line 3: echo why >&2; exit 3\nexited with 3, not 0; it printed\nwhy\n',
  ],
  ['does not fail', doc('$ true  # exits with 2'), 'line 2: true  # exits with 2\nexited with 0, not 2; it printed\n'],
  ['ends in the background', doc('$ false &', 'ready'), 'line 2: false \nended with 1; it printed\n'],
  [
    'is never ready',
    doc('$ (echo no; sleep 30) &', 'ready'),
    'line 2: (echo no; sleep 30) \nis not ready: it should print\nready\nbut printed\nno\n',
  ],
])('a command that %s is found', async (_, text, complaint) => {
  expect(await read(text, limits)).toBe(complaint);
});

test('a command that never ends is ended', async () => {
  expect(await read(doc('$ sleep 60'), { ...limits, commandMs: 200 })).toBe(
    'line 2: sleep 60\nhas not ended after 0.2 s; it printed\n',
  );
});

test('nothing that a document started is left behind', async () => {
  const mark = `/tmp/mpreg-docs-left-${process.pid}`;
  expect(
    await read(
      doc(`$ (trap 'rm -f ${mark}; exit' TERM; touch ${mark}; echo on; while :; do sleep 0.05; done) &`, 'on'),
      limits,
    ),
  ).toBe(undefined);
  await pause(50);
  expect(existsSync(mark)).toBe(false);
});

test('a block without an end is an error', () => {
  expect(() => stepsOf(`text\n${fence}console\n$ ls`)).toThrow('line 2: the block has no end');
});
