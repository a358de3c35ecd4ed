/** Everything that is known about one node: what it says of itself, what it offers, how it is linked. */
import { formatDuration } from '../../cli/duration.ts';
import type { FunctionRecord, MemberView, NodeSnapshot } from '../../engine/index.ts';
import { type Model, openMember } from '../model.ts';
import { type Line, line, type Span } from '../text.ts';
import { loadBar, stateStyle, stateText } from './members.ts';

const LABEL = 13;

export function detailsView(model: Model): readonly Line[] {
  const member = openMember(model);
  if (member === undefined) return [line('This node is no longer known.')];
  const snapshot = model.inspected?.id === member.id ? model.inspected.snapshot : undefined;
  return [
    ...about(member, model.connection.name),
    ...(snapshot === undefined ? [field('calls', 'not known: it does not answer')] : itself(snapshot)),
    line(''),
    ...resources(member.record?.resources ?? []),
    line(''),
    ...functions(member.record?.functions ?? []),
  ];
}

function about(
  { id, name, state, forMs, incarnation, address, record, linked, self }: MemberView,
  seer: string,
): Line[] {
  const place = record?.coordinates && `${record.coordinates.latitude}, ${record.coordinates.longitude}`;
  return [
    field('name', { style: 'bold', text: name }),
    field('state', { style: stateStyle(state), text: stateText(state) }, ` for ${formatDuration(forMs)}`),
    field('id', id),
    field('address', (record?.addresses ?? [address]).join(' ')),
    field(
      'link',
      self ? 'this is the node that is asked' : `${linked ? 'there is one' : 'there is none'} from ${seer}`,
    ),
    ...(record === undefined
      ? [field('record', 'has not arrived yet')]
      : [
          field('cluster', record.cluster),
          ...(record.region === undefined ? [] : [field('region', record.region)]),
          ...(place === undefined ? [] : [field('place', place)]),
          field('load', loadBar(record.load)),
          field('software', `mpreg ${record.software}`),
        ]),
    field('incarnation', String(incarnation)),
  ];
}

function itself({ calls, links, health, members }: NodeSnapshot): Line[] {
  const alive = members.filter(({ state }) => state === 'alive' || state === 'draining').length;
  return [
    field('calls', `${calls.running} running, ${calls.waiting} waiting`),
    field('links', `${links.peers} to nodes, ${links.clients} to clients`),
    field('sees', `${alive} of ${members.length} members alive`),
    field('health', health === 0 ? 'fine' : `${health} of 8: slow to answer`),
  ];
}

function resources(names: readonly string[]): Line[] {
  if (names.length === 0) return [heading('RESOURCES', 'none')];
  return [heading('RESOURCES', String(names.length)), ...names.map((name) => line(`  ${name}`))];
}

function functions(records: readonly FunctionRecord[]): Line[] {
  const rows = records.map(({ name, version, resources: needs, description }) => {
    const own = needs.length === 0 ? '' : `  [${needs.join(', ')}]`;
    const says = description === undefined ? '' : `  ${description}`;
    return line(`  ${name}@${version}`, own, { style: 'dim', text: says });
  });
  return [heading('FUNCTIONS', rows.length === 0 ? 'none' : String(rows.length)), ...rows];
}

function heading(name: string, count: string): Line {
  return line({ style: 'dim', text: name }, ` ${count}`);
}

function field(name: string, ...value: readonly (string | Span)[]): Line {
  return line({ style: 'dim', text: name.padEnd(LABEL) }, ...value);
}
