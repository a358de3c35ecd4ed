/**
 * The commands of the scripts that play with one `Links` machine, of a node with the id `m`. Peers have one letter; those
 * before `m` have smaller ids. A peer's address is `ws://` and its letter unless `at=` says otherwise.
 *
 *     members a z [y=ws://other]    send z hello [at=ws://x]    answer z hello    contact ws://z    stop
 *     up 1 z [dial=1] [at=ws://x]    up 2 client    down 1 reset    failed 1 [refused]
 *     hear 1 hello    beat 1 [reply]    goaway 1    reply 2 hello    unsend z hello    cut 2
 *     busy z    free z    at 5s    lets time pass up to then, step by step    wake 60s    lets it pass in one step
 *     counts
 */
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { problem } from '../../../src/engine/core/base/problems.ts';
import type { LinksEffect } from '../../../src/engine/core/links/effects.ts';
import { Links } from '../../../src/engine/core/links/links.ts';
import type { LinkMessage, MeshPeer } from '../../../src/engine/core/links/messages.ts';
import { DEFAULT_LINKS, type LinksOptions } from '../../../src/engine/core/links/options.ts';
import { type Command, complain, duration } from '../../scenario.ts';

/** A message of some domain: only its kind matters here. */
interface Word {
  readonly kind: string;
}

export function linksScript(options: Partial<LinksOptions> = {}): (command: Command) => string {
  const busy = new Set<string>();
  const links = new Links<Word>('m', { ...DEFAULT_LINKS, ...options }, new Prng(3), { needed: (id) => busy.has(id) });
  let now = 0;
  const lines: string[] = [];
  const collect = () => {
    for (const effect of links.drain()) lines.push(`${String(now).padStart(6)} ${textOf(effect)}`);
  };
  return (command) => {
    const { name, words } = command;
    lines.length = 0;
    if (name === 'counts') {
      const { peers, clients } = links.counts;
      return `${peers} peers, ${clients} clients, ${links.deadline() === NEVER ? 'no deadline' : `deadline ${links.deadline()}`}`;
    }
    if (name === 'busy' || name === 'free') {
      for (const id of words) busy[name === 'busy' ? 'add' : 'delete'](id);
    } else if (name === 'at' || name === 'wake') {
      const until = duration(words[0]);
      while (name === 'at' && links.deadline() <= until) {
        now = Math.max(now, links.deadline());
        links.advance(now);
        collect();
      }
      now = until;
      links.advance(now);
    } else {
      act(links, command, now);
    }
    collect();
    return lines.join('\n');
  };
}

function act(links: Links<Word>, command: Command, now: number): void {
  const { name, words, options } = command;
  const [first = '', second = ''] = words;
  const at = options.get('at');
  const dial = options.get('dial');
  switch (name) {
    case 'members': {
      const moved = [...options].filter(([key]) => key !== 'at');
      return links.members(new Map([...words.map((id): [string, string] => [id, `ws://${id}`]), ...moved]), now);
    }
    case 'up':
      return links.up(Number(first), peerOf(second, at), dial === undefined ? undefined : Number(dial), now);
    case 'down':
      return links.down(Number(first), second, now);
    case 'failed':
      return links.dialFailed(Number(first), second === 'refused', 'so', now);
    case 'hear':
      return void links.heard(Number(first), true, now);
    case 'beat':
      links.heard(Number(first), false, now);
      return links.receive(Number(first), { kind: 'beat', reply: second === 'reply' }, now);
    case 'goaway':
      links.heard(Number(first), true, now);
      return links.receive(Number(first), goaway('peer has left'), now);
    case 'send':
      return links.send(first, at ?? `ws://${first}`, { kind: second }, now);
    case 'answer':
      return links.answer(first, { kind: second }, now);
    case 'reply':
      return links.reply(Number(first), { kind: second }, now);
    case 'unsend':
      if (!links.unsend(first, ({ kind }) => kind === second)) return complain(command, 'it does not wait');
      return;
    case 'cut':
      return links.cut(Number(first), problem('protocol-violated', 'it babbles'), now);
    case 'contact':
      return links.contact(first, now);
    case 'stop':
      return links.stop(goaway('m has left'));
    default:
      return complain(command, 'no such command');
  }
}

function peerOf(word: string, at: string | undefined): MeshPeer {
  if (word === 'client') return { name: 'cli', role: 'client' };
  return { address: at ?? `ws://${word}`, id: word, name: word.toUpperCase(), role: 'peer' };
}

function goaway(says: string): LinkMessage {
  return { kind: 'goaway', problem: problem('node-stopping', says) };
}

function textOf(effect: LinksEffect<Word>): string {
  switch (effect.kind) {
    case 'send':
      return `→ ${effect.link}: ${wordOf(effect.message)}`;
    case 'dial':
      return `dial ${effect.dial}: ${effect.address}`;
    case 'close':
      return `close ${effect.link}: ${effect.reason}`;
    case 'joined':
      return `joined ${effect.id}${effect.first ? '' : ' (was there)'}`;
    case 'broken':
    case 'parted':
      return `${effect.kind} ${effect.id}: ${effect.reason}`;
    case 'unreachable':
      return `unreachable ${effect.id}: ${effect.reason}${effect.refused ? ', refused' : ''}`;
    case 'undelivered':
      return `undelivered ${effect.message.kind} for ${effect.to}: ${effect.reason}`;
    case 'neighbours':
      return `neighbours ${effect.ids.join(' ') || 'none'}`;
    case 'client-left':
      return `client ${effect.link} left: ${effect.reason}`;
  }
}

function wordOf(message: Word | LinkMessage): string {
  if (!('reply' in message)) return 'problem' in message ? `goaway ${message.problem.message}` : message.kind;
  return `beat${message.all ? ' (behind all)' : ''}${message.reply ? ' (reply)' : ''}`;
}
