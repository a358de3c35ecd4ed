/**
 * The commands of the scripts that play with the exchanges of nodes `a`, `b` and `c`. Messages between them wait until
 * they are delivered.
 *
 *     subscribe a order.# *.eu [group=billing]    unsubscribe a 1    link a b    unlink a b    gossip    gone a b
 *     publish a order.eu [key=user-7] [times=4]   who gets it, after it has crossed each link once
 *     route a order.eu    match a order.eu    everywhere a 1    counts a
 *     deliver [2]    takes the oldest messages to their receivers, or all    lose    loses the oldest
 *     pass 20ms      lets time pass    restart a 2000    a new life, at that version
 */
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { type Command, complain, duration } from '../../scenario.ts';
import { Mesh } from './mesh.ts';

export function meshScript(interestMax: number): (command: Command) => string {
  const lines: string[] = [];
  const mesh = new Mesh(['a', 'b', 'c'], { interestMax }, (line) => lines.push(line));
  return (command) => {
    lines.length = 0;
    const said = act(mesh, command);
    mesh.settle();
    return [...lines, ...(said === undefined ? [] : [said])].join('\n');
  };
}

function act(mesh: Mesh, command: Command): string | undefined {
  const { name, words, options } = command;
  const [first = '', second = '', ...rest] = words;
  switch (name) {
    case 'subscribe':
      return `${first}/${mesh.subscribe(first, [second, ...rest], options.get('group'))}`;
    case 'unsubscribe':
      return mesh.at(first).unsubscribe(Number(second), mesh.now) ? undefined : 'there is none';
    case 'publish':
      return Array.from(
        { length: Number(options.get('times') ?? 1) },
        () => mesh.publish(first, second, options.get('key')).join(' ') || 'nobody',
      ).join('\n');
    case 'route':
    case 'match':
    case 'counts':
      return shown(mesh, command);
    case 'link':
    case 'unlink':
      return void mesh[name](first, second);
    case 'gossip':
      return void mesh.gossip();
    case 'gone':
      return void mesh.at(first).gone(second, mesh.now);
    case 'everywhere':
      return void mesh.at(first).everywhere(Number(second), mesh.now);
    case 'restart':
      return void mesh.start(first, Number(second));
    case 'lose':
      return mesh.flights.shift() === undefined ? 'nothing is on its way' : undefined;
    case 'deliver': {
      for (let i = 0; i < Number(words[0] ?? 1_000) && mesh.deliver(); i++);
      return undefined;
    }
    case 'pass':
      return void mesh.pass(duration(first));
    default:
      return complain(command, 'no such command');
  }
}

function shown(mesh: Mesh, { name, words }: Command): string {
  const [at = '', topic = ''] = words;
  const exchange = mesh.at(at);
  if (name === 'counts') {
    const { subscriptions, nodePatterns, memberPatterns, announced, version } = exchange.counts;
    const due = exchange.deadline() === NEVER ? 'nothing is due' : `due in ${exchange.deadline() - mesh.now} ms`;
    return `${subscriptions} subscriptions, ${nodePatterns} patterns of nodes, ${memberPatterns} of members, ${announced} announced at ${version}; ${due}`;
  }
  const found = name === 'route' ? exchange.route(topic) : exchange.explain(topic);
  if (!found.ok) return `${found.problem.code}: ${found.problem.message}`;
  if ('topic' in found.value) {
    const { local, nodes, groups } = found.value;
    const members = groups.map(
      (one) => `${one.group} (${one.members.map(({ node, id }) => `${node}/${id}`).join(' ')})`,
    );
    return `local ${local.map(({ id }) => id).join(' ') || 'none'}; nodes ${nodes.join(' ') || 'none'}; groups ${members.join(' ') || 'none'}`;
  }
  return (
    found.value
      .map(
        ({ node, subscription, pattern, group }) =>
          `${node}${subscription === undefined ? '' : `/${subscription}`} by ${pattern}${group === undefined ? '' : ` in ${group}`}`,
      )
      .join('\n') || 'nobody'
  );
}
