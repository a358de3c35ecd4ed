/**
 * The commands of the scripts that play on a whole mesh.
 *
 *     start a b [seeds=a,b] [address=a] [epoch=2]    crash a [loud=yes]    pause a 10s    leave a
 *     cut a,b c,d    heal    describe a 2    run 5s [show=all]    members a    knows a b
 *
 * `run` prints what the nodes noticed; a node's incarnation is printed as epoch.count.
 */
import type { MembershipEffect } from '../../../src/engine/core/membership/membership.ts';
import { type Command, complain, duration } from '../../scenario.ts';
import { addressOf, type Happened, Mesh } from './mesh.ts';

export function meshScript(seed: number): (command: Command) => string {
  const mesh = new Mesh(seed);
  return (command) => {
    const { name, words, options } = command;
    const [first = ''] = words;
    switch (name) {
      case 'start': {
        const seeds = (options.get('seeds') ?? '').split(',').filter((id) => id !== '');
        const address = options.get('address');
        for (const id of words) {
          mesh.start(id, {
            seeds: seeds.map(addressOf),
            epoch: Number(options.get('epoch') ?? 1),
            ...(address === undefined ? {} : { address: addressOf(address) }),
          });
        }
        return '';
      }
      case 'crash':
        for (const id of words) mesh.crash(id, { loud: options.get('loud') === 'yes' });
        return '';
      case 'pause':
        mesh.pause(first, duration(words[1]));
        return '';
      case 'leave':
        mesh.act(first, () => mesh.machine(first).leave(mesh.now));
        return '';
      case 'cut':
        mesh.cut(...words.map((group) => group.split(',')));
        return '';
      case 'heal':
        mesh.heal();
        return '';
      case 'describe':
        mesh.describe(first, 2 ** 20 + Number(words[1]), `${first} says ${words[1]}`);
        return '';
      case 'knows':
        return `${mesh.cargo(first, words[1] ?? '')}`;
      case 'members':
        return membersOf(mesh, first);
      case 'run':
        mesh.run(duration(first));
        return mesh.happened().map(told).join('\n');
      default:
        return complain(command, 'there is no such command');
    }
  };
}

function membersOf(mesh: Mesh, id: string): string {
  const lines = [...mesh.machine(id).members()].map(
    ({ id: other, state, incarnation, address }) => `${other} ${state} ${incarnationOf(incarnation)} ${address}`,
  );
  return [...lines, `health ${mesh.machine(id).health}`].join('\n');
}

function told({ at, node, effect }: Happened): string {
  return `${(at / 1_000).toFixed(2).padStart(6)} ${node}: ${textOf(effect)}`;
}

function textOf(effect: MembershipEffect): string {
  switch (effect.kind) {
    case 'changed': {
      const { member, before, reason } = effect;
      return `${member.id} ${before ?? '-'} → ${member.state} ${incarnationOf(member.incarnation)} (${reason})`;
    }
    case 'paused':
      return `was paused for ${(effect.ms / 1_000).toFixed(1)} s`;
    case 'refuted':
      return `contradicts ${effect.by} as ${incarnationOf(effect.incarnation)}`;
    case 'forgotten':
      return `forgets ${effect.id}`;
    default:
      return effect.kind;
  }
}

export function incarnationOf(incarnation: number): string {
  return `${Math.floor(incarnation / 2 ** 16)}.${incarnation % 2 ** 16}`;
}
