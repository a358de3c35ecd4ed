/** The small readers of words: durations, addresses, flags before the command, near misses. */
import { describe, expect, test } from 'vitest';
import { flagGiven, globalFlagsLast } from '../../src/cli/command-line.ts';
import { afterNode, within } from '../../src/cli/deadline.ts';
import { formatDuration, parseDuration } from '../../src/cli/duration.ts';
import { formatTable, formatTabs } from '../../src/cli/table.ts';
import { oneLine, visible, wantsColor } from '../../src/cli/terminal.ts';
import { parseNodeUrl } from '../../src/cli/url.ts';
import { nearest } from '../../src/engine/core/base/nearest.ts';

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['2s', 2000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['0', 0],
    [' 3s ', 3000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text, '--timeout')).toBe(ms));

  test.each([
    ['5', /"5" has no unit/],
    ['soon', /"soon" is no duration/],
    ['-1s', /is no duration/],
    ['1y', /is no duration/],
    ['900h', /longer than 24 days/],
    ['', /is no duration/],
  ])('%j is refused', (text, why) => expect(() => parseDuration(text, '--timeout')).toThrow(why));

  test.each([
    [850, '850 ms'],
    [12_300, '12 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [432_000_000, '5 d'],
  ])('%d ms reads %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('an answer', () => {
  test('that does not come in time is a problem whose outcome is unknown; without a limit it is waited for', async () => {
    const never = new Promise<never>(() => {});
    await expect(within(20, 'members of alpha', never)).rejects.toMatchObject({
      problem: { code: 'timed-out', message: 'members of alpha: no answer in 20 ms' },
    });
    expect(await within(1000, 'x', Promise.resolve(1))).toBe(1);
    const late = new Promise((resolve) => setTimeout(resolve, 30, 2));
    expect(await within(0, 'x', late)).toBe(2);
    await expect(within(1000, 'x', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('may come a little later than its deadline, because the node says more about that than we can', () => {
    expect(afterNode(0)).toBe(0);
    expect(afterNode(500)).toBeGreaterThan(500);
  });
});

describe('an address of a node', () => {
  test.each([
    ['ws://127.0.0.1:7400', 'ws://127.0.0.1:7400'],
    ['ws://127.0.0.1:7400/', 'ws://127.0.0.1:7400'],
    ['wss://mesh.example', 'wss://mesh.example'],
    ['localhost:7400', 'ws://localhost:7400'],
    ['[::1]:7400', 'ws://[::1]:7400'],
  ])('%s is read as %s', (text, url) => expect(parseNodeUrl(text, '--url')).toBe(url));

  test.each([
    ['http://127.0.0.1:7400', /write ws:\/\/127.0.0.1:7400/],
    ['https://mesh.example', /write wss:\/\/mesh.example/],
    ['ftp://x', /is no address/],
    ['nonsense', /is no address/],
    ['ws://user:secret@host:1', /carries no password/],
    ['ws://host:0', /no port/],
    ['ws://host:99999', /is no address/],
  ])('%s is refused', (text, why) => expect(() => parseNodeUrl(text, '--url')).toThrow(why));
});

describe('a command line', () => {
  test('may begin with global flags, which are moved behind the command but not behind --', () => {
    expect(globalFlagsLast(['--json', '--url', 'ws://a:1', 'call', 'f', '--', '-x'])).toEqual([
      'call',
      'f',
      '--json',
      '--url',
      'ws://a:1',
      '--',
      '-x',
    ]);
    expect(globalFlagsLast(['-q', '--timeout=2s', 'node', 'list'])).toEqual(['node', 'list', '-q', '--timeout=2s']);
    expect(globalFlagsLast(['node', 'list', '--json'])).toEqual(['node', 'list', '--json']);
    expect(globalFlagsLast(['--version'])).toEqual(['--version']);
    expect(globalFlagsLast(['--json'])).toEqual(['--json']);
  });

  test('says --json anywhere but behind --', () => {
    expect(flagGiven(['call', 'f', '--json'], 'json')).toBe(true);
    expect(flagGiven(['call', 'f', '--', '--json'], 'json')).toBe(false);
    expect(flagGiven(['node', 'list', '-v'], 'verbose')).toBe(true);
  });

  test.each([
    ['nod', 'node'],
    ['clal', 'call'],
    ['contxet list', 'context list'],
    ['zzzzzz', undefined],
  ])('with %s means %s', (typed, meant) => {
    expect(nearest(typed, ['node', 'call', 'context list', 'errors'])).toBe(meant);
  });
});

describe('text from elsewhere', () => {
  test('cannot act on the terminal, colours excepted', () => {
    expect(visible('a\u001b]0;title\u0007b\u001b[2Jc\n\td')).toBe('a\\x1b]0;title\\x07b\\x1b[2Jc\n\td');
    expect(visible('\u001b[31mred\u001b[0m')).toBe('\u001b[31mred\u001b[0m');
    expect(oneLine('two\nlines\tand a tab\r')).toBe('two\\nlines\\tand a tab\\x0d');
  });
});

describe('records', () => {
  const table = {
    columns: [
      { name: 'name', value: (row: { readonly name: string; readonly n: number }) => row.name },
      { align: 'right' as const, name: 'n', value: (row: { readonly n: number }) => String(row.n) },
    ],
    empty: 'nothing',
    rows: [
      { n: 7, name: 'alpha' },
      { n: 1234, name: '模型' },
      { n: 5, name: '' },
    ],
  };

  test('are aligned for people, wide characters counted as two columns', () => {
    expect(formatTable(table, false)).toBe('NAME      N\nalpha     7\n模型   1234\n-         5');
    expect(formatTable({ ...table, rows: [] }, false)).toBe('nothing');
  });

  test('are tab separated for scripts, one per line, with no header', () => {
    expect(formatTabs(table)).toBe('alpha\t7\n模型\t1234\n\t5');
  });

  test('have colour only where it is wanted', () => {
    const tty = { isTTY: true };
    expect(wantsColor(tty, false, {})).toBe(true);
    expect(wantsColor(tty, true, {})).toBe(false);
    expect(wantsColor(tty, false, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColor(tty, false, { TERM: 'dumb' })).toBe(false);
    expect(wantsColor({}, false, {})).toBe(false);
    expect(wantsColor({}, false, { FORCE_COLOR: '1' })).toBe(true);
  });
});
