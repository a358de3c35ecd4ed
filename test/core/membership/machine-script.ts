/**
 * The commands of the scripts that play with one machine, named `self`, and say word for word what others tell it.
 *
 *     start    neighbours a b    seeds x y    met a    lost a    unreachable a    readdress x    leave
 *     hear a b=alive,3[,by] c=dead,2 …    gossip from a        summary a b=alive,3 …    the same in an exchange of all
 *     ping a 7 [target=b]    ack a 7    nack a 7    ping-req a 7 b    digest a
 *     at 800ms    lets time pass up to then, step by step    wake 20s    lets it pass in one step, as if stopped
 *     members    health    deadline
 */

import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Membership, type MembershipEffect } from '../../../src/engine/core/membership/membership.ts';
import type {
  MemberRumor,
  MemberState,
  MembershipMessage,
  Rumor,
} from '../../../src/engine/core/membership/messages.ts';
import { DEFAULT_MEMBERSHIP } from '../../../src/engine/core/membership/options.ts';
import { type Command, complain, duration } from '../../scenario.ts';
import { addressOf } from './mesh.ts';

export function machineScript(): (command: Command) => string {
  const machine = new Membership({
    self: 'self',
    prng: new Prng(11),
    options: { ...DEFAULT_MEMBERSHIP, probeIntervalMs: 1_000, probeTimeoutMs: 500 },
    cargo: { version: () => 0, body: () => undefined, weight: () => 1 },
  });
  let now = 0;
  const collected: string[] = [];
  const collect = () => {
    for (const effect of machine.drain()) collected.push(`${String(now).padStart(6)} ${textOf(effect)}`);
  };
  return (command) => {
    const { name, words } = command;
    collected.length = 0;
    if (name === 'at' || name === 'wake') {
      const until = duration(words[0]);
      while (name === 'at' && machine.deadline() <= until) {
        now = machine.deadline();
        machine.advance(now);
        collect();
      }
      now = until;
      machine.advance(now);
    } else if (name === 'members' || name === 'health' || name === 'deadline') {
      return read(machine, name);
    } else {
      act(machine, command, now);
    }
    collect();
    return collected.join('\n');
  };
}

function act(machine: Membership, command: Command, now: number): void {
  const { name, words } = command;
  const [first = '', second = ''] = words;
  switch (name) {
    case 'start':
      return machine.start(addressOf('self'), 5, now);
    case 'neighbours':
      return machine.neighbours(words, now);
    case 'seeds':
      return machine.seeds(words.map(addressOf), now);
    case 'met':
      return machine.met(first, addressOf(second || first), now);
    case 'lost':
      return machine.lost(first, now);
    case 'unreachable':
      return machine.unreachable(first, now);
    case 'readdress':
      return machine.readdress(addressOf(first), now);
    case 'leave':
      return machine.leave(now);
    default:
      return machine.receive(first, messageOf(command), now);
  }
}

function messageOf(command: Command): MembershipMessage {
  const { name, words, options } = command;
  const [from = '', seq, target = 'self'] = words;
  const rumors = [...options].map(([about, said]) => rumorOf(about, said));
  switch (name) {
    case 'hear':
      return { kind: 'gossip', rumors };
    case 'summary':
      return { kind: 'sync-news', rumors, wanted: [] };
    case 'ping':
      return { kind: 'ping', seq: Number(seq), target, rumors };
    case 'ack':
      return { kind: 'ack', seq: Number(seq), rumors };
    case 'nack':
      return { kind: 'nack', seq: Number(seq) };
    case 'ping-req':
      return { kind: 'ping-req', seq: Number(seq), target, address: addressOf(target), rumors };
    case 'digest':
      return { kind: 'sync-digest', digest: 0, self: rumorOf(from, 'alive,1') };
    default:
      return complain(command, 'there is no such command');
  }
}

function rumorOf(about: string, said: string): MemberRumor {
  const [state, incarnation, by = about, address = about] = said.split(',');
  return {
    kind: 'member',
    about,
    state: state as MemberState,
    incarnation: Number(incarnation),
    address: addressOf(address),
    by,
  };
}

function read(machine: Membership, what: 'members' | 'health' | 'deadline'): string {
  if (what === 'health') return `${machine.health}`;
  if (what === 'deadline') return machine.deadline() === NEVER ? 'never' : `${machine.deadline()}`;
  const lines = [...machine.members()].map(
    ({ id, state, incarnation, by }) => `${id} ${state} ${incarnation} by ${by}`,
  );
  return [...lines, `${machine.aliveCount} alive, ${machine.ignored} ignored`].join('\n');
}

function textOf(effect: MembershipEffect): string {
  switch (effect.kind) {
    case 'send':
      return `→ ${effect.to}: ${messageText(effect.message)}`;
    case 'contact':
      return `contact ${effect.address}`;
    case 'changed':
      return `${effect.member.id} ${effect.before ?? '-'} → ${effect.member.state} (${effect.reason})`;
    case 'cargo':
      return `cargo about ${effect.about}`;
    case 'paused':
      return `paused for ${effect.ms}`;
    case 'refuted':
      return `contradicts ${effect.by} as ${effect.incarnation}`;
    case 'forgotten':
      return `forgets ${effect.id}`;
    case 'gone':
      return 'gone';
  }
}

function messageText(message: MembershipMessage): string {
  switch (message.kind) {
    case 'ping':
    case 'ping-req':
      return `${message.kind} ${message.seq} for ${message.target}${rumorsText(message.rumors)}`;
    case 'ack':
      return `ack ${message.seq}${rumorsText(message.rumors)}`;
    case 'nack':
      return `nack ${message.seq}`;
    case 'gossip':
      return `gossip${rumorsText(message.rumors)}`;
    case 'sync-digest':
      return `sync-digest, ${message.self.about} is ${message.self.state} ${message.self.incarnation}`;
    case 'sync-entries':
      return `sync-entries ${message.entries.map(({ id }) => id).join(' ')}`;
    case 'sync-news':
      return `sync-news${rumorsText(message.rumors)}`;
    default:
      return message.kind;
  }
}

function rumorsText(rumors: readonly Rumor[]): string {
  const texts = rumors.map((rumor) =>
    rumor.kind === 'member'
      ? `${rumor.about} ${rumor.state} ${rumor.incarnation} by ${rumor.by}`
      : `cargo ${rumor.about}`,
  );
  return texts.length === 0 ? '' : ` [${texts.join(', ')}]`;
}
