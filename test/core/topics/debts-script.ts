/**
 * The commands of the scripts that play with what a node owes to the members of groups.
 *
 *     join b/1 window=2      leave b/1      a member of the group g comes, or is known to have gone; without a window it never acknowledges
 *     owe m1 [key=k] [topic=t]              a message
 *     done 3    refuse 3    left 3    unseen 3    of the debt 3
 *     lost b [3]                            a node is out of reach; what is named had not left
 *     tick [10]                             after a change of members that is told
 */

import { Debts } from '../../../src/engine/core/topics/debts.ts';
import { type Member, memberOf } from '../../../src/engine/core/topics/groups.ts';
import { type Command, complain } from '../../scenario.ts';

export function debtsScript(): (command: Command) => string {
  const members: Member[] = [];
  const world = { changed: false, members };
  const debts = new Debts<string>({ aloneTicks: 20, bytesMax: 1_000, messagesMax: 8 }, () => members);
  return (command) => {
    act(debts, world, command);
    const lines = debts.drain().map((effect) => {
      if (effect.kind === 'relieved') return 'publishers go on';
      if (effect.kind === 'lost') return `${effect.item}: lost, nobody is there`;
      const { attempt, debt, item, member } = effect;
      const said = debt === 0 ? '' : `, debt ${debt}${attempt === 1 ? '' : `, attempt ${attempt}`}`;
      return `${item} → ${member.node}/${member.id}${said}`;
    });
    return [...lines, ...(debts.isFull ? ['publishers are held'] : [])].join('\n');
  };
}

function act(debts: Debts<string>, world: { changed: boolean; members: Member[] }, command: Command): void {
  const { name, options, words } = command;
  const [first = '', ...rest] = words;
  const number = Number(first);
  switch (name) {
    case 'join':
    case 'leave': {
      const [node = '', id = ''] = first.split('/');
      const window = options.get('window');
      const at = world.members.findIndex((one) => one.node === node && one.id === Number(id));
      if (at >= 0) world.members.splice(at, 1);
      if (name === 'join') {
        world.members.push(memberOf('g', node, Number(id), window === undefined ? {} : { window: Number(window) }));
      }
      world.changed = true;
      return;
    }
    case 'owe': {
      const topic = options.get('topic') ?? 't';
      return debts.owe({ bytes: 1, group: 'g', item: first, key: options.get('key'), topic });
    }
    case 'done':
      return said(debts.done(number), command);
    case 'refuse':
      return said(debts.back(number, 'refused'), command);
    case 'left':
    case 'unseen':
      return said(debts.back(number, name), command);
    case 'lost':
      return debts.lost(first, new Set(rest.map(Number)));
    case 'tick':
      for (let i = 0; i < Number(first || 1); i++) {
        debts.tick(world.changed);
        world.changed = false;
      }
      return;
    default:
      complain(command, 'no such command');
  }
}

function said(known: boolean, command: Command): void {
  if (!known) complain(command, 'that debt is not out');
}
