/**
 * The commands of the scripts that play with one backlog: at most 6 messages, 3 in one read, none older than a minute.
 *
 *     append 3 [bytes=10]    as many messages    persisted 3    up to that number    at 5s    lets time pass
 *     open 1 new | from 3 | last 2 | since 10s | name bill [next=4] [last=2]    close 1
 *     refused    the disk took nothing of what is not durable    limit 3    keep no more than so many
 *     read 1 2 4    storage gave reader 1 the numbers 2 to 4    behind 1 4    had no room for 4
 *     ack bill 4    forget bill    counts
 */
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { Backlog, type BacklogEffect, type Start } from '../../../src/engine/core/topics/backlog.ts';
import { type Command, complain, duration } from '../../scenario.ts';

export function backlogScript(): (command: Command) => string {
  const backlog = new Backlog(LIMITS);
  const clock = { now: 0 };
  return (command) => {
    const said = act(backlog, command, clock);
    return [...backlog.drain().map(textOf), ...(said === undefined ? [] : [said])].join('\n');
  };
}

const LIMITS = { ageMaxMs: 60_000, bytesMax: 1_000, countMax: 6, namesMax: 2, readMax: 3 };

function act(backlog: Backlog, command: Command, clock: { now: number }): string | undefined {
  const { name, words, options } = command;
  const [first = '', second = '', third = ''] = words;
  const { now } = clock;
  switch (name) {
    case 'append':
      return Array.from({ length: Number(first) }, () => backlog.append(Number(options.get('bytes') ?? 10), now)).join(
        ' ',
      );
    case 'persisted':
      return void backlog.persisted(Number(first), now);
    case 'refused':
      return void backlog.refused(now);
    case 'limit':
      return void backlog.limit({ ...LIMITS, countMax: Number(first) }, now);
    case 'at':
      clock.now = duration(first);
      return void backlog.advance(clock.now);
    case 'open': {
      const opened = backlog.open(Number(first), startOf(command, second, third), now);
      return opened.ok ? `begins at ${opened.value}` : `${opened.problem.code}: ${opened.problem.message}`;
    }
    case 'close':
      return void backlog.close(Number(first), now);
    case 'read':
      return void backlog.read(Number(first), Number(second), Number(third), now);
    case 'behind':
      return void backlog.fellBehind(Number(first), Number(second), now);
    case 'ack': {
      const position = backlog.acknowledge(first, Number(second), now);
      return position.ok ? undefined : `${position.problem.code}: ${position.problem.message}`;
    }
    case 'forget':
      return backlog.forget(first, now) ? undefined : 'there is none';
    case 'counts': {
      const { first: oldest, durable, next, bytes, readers, live } = backlog.counts;
      const due = backlog.deadline() === NEVER ? 'nothing is due' : `due at ${backlog.deadline()}`;
      return `${oldest} to ${next - 1}, durable below ${durable}, ${bytes} bytes, ${readers} readers, ${live} live; ${due}`;
    }
    default:
      return complain(command, 'no such command');
  }
}

function startOf(command: Command, kind: string, word: string): Start {
  switch (kind) {
    case 'new':
      return { kind };
    case 'from':
      return { kind, sequence: Number(word) };
    case 'last':
      return { count: Number(word), kind };
    case 'since':
      return { at: duration(word), kind };
    case 'name': {
      const next = command.options.get('next');
      const last = command.options.get('last');
      const first: Start | undefined = last === undefined ? undefined : { count: Number(last), kind: 'last' };
      return { kind, name: word, ...(next && { next: Number(next) }), ...(first && { first }) };
    }
    default:
      return complain(command, 'no such start');
  }
}

function textOf(effect: BacklogEffect): string {
  switch (effect.kind) {
    case 'evict':
      return `evict below ${effect.before}`;
    case 'fresh':
      return `fresh ${effect.from} to ${effect.through} for ${effect.readers.join(' ')}`;
    case 'position':
      return `store ${effect.name} at ${effect.sequence}`;
    case 'forget':
      return `forget ${effect.name}`;
    case 'live':
    case 'replaced':
      return `${effect.reader}: ${effect.kind}`;
    default:
      return `${effect.reader}: ${effect.kind} ${effect.from} to ${effect.through}`;
  }
}
