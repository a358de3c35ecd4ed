/**
 * What a queue refuses, in the words of the command line: it names options (`visibilityMs`), who typed a command knows flags.
 *
 * The rule is the queue's own, as it says it; only names, units and the command to look at are those of the command.
 */
import { ProblemError } from '../engine/index.ts';
import { formatDuration } from './duration.ts';
import { formatSize } from './sizes.ts';

const FLAGS: Readonly<Record<string, string>> = {
  at: '--at',
  bytesMax: '--bytes-max',
  consumer: 'CONSUMER',
  deadLetter: '--dead-letter',
  dedupeId: '--dedupe-id',
  dedupeMs: '--dedupe-window',
  delayMs: '--delay',
  group: '--group',
  maxReceives: '--max-receives',
  messageBytesMax: '--message-bytes-max',
  messagesMax: '--messages-max',
  name: 'NAME',
  place: '--place',
  queue: 'NAME',
  'retry.baseMs': '--retry-base',
  'retry.factor': '--retry-factor',
  'retry.jitter': '--retry-jitter',
  'retry.maxMs': '--retry-max',
  ttlMs: '--ttl',
  visibilityMs: '--visibility',
  waitMs: '--wait',
};

/** `command`: its words, after `mpreg`; `delay`: the flag for `delayMs`, where it is another. */
export function inFlags(error: Error, command: string, delay = '--delay'): Error {
  if (!(error instanceof ProblemError) || error.code !== 'input-invalid') return error;
  const [, option = '', rule = ''] = /^(?:\w+\[\d+\]\.)?([A-Za-z.]+) (must .*)$/s.exec(error.problem.message) ?? [];
  const flag = option === 'delayMs' ? delay : Object.hasOwn(FLAGS, option) ? FLAGS[option] : undefined;
  const message = flag === undefined ? error.problem.message : `${flag} ${ruleOf(option, rule)}`;
  return new ProblemError({ hint: `Look at its help.\nmpreg ${command} --help`, ...error.problem, message });
}

/** With durations and sizes as they are typed. */
function ruleOf(option: string, rule: string): string {
  const plain = rule
    .replace(', or null', ', or none')
    .replace('a whole number of milliseconds above 0', 'longer than 0');
  const shown = option.endsWith('Ms') ? formatDuration : /[bB]ytesMax$/.test(option) ? formatSize : undefined;
  if (shown === undefined) return plain;
  return plain
    .replace(/be a whole number from (\d+) to (\d+)/, (_, from, to) => `be from ${shown(+from)} to ${shown(+to)}`)
    .replace(/be a whole number to (\d+)/, (_, to) => `be ${shown(+to)} at most`)
    .replace('be a whole number of milliseconds', 'be a duration of less than 100 years');
}
