/** Members of the mesh as commands show them: the document is a contract with scripts. */
import type { MemberView } from '../engine/index.ts';
import { formatDuration } from './duration.ts';
import type { Style, Table } from './table.ts';

export interface MemberDocument {
  readonly id: string;
  readonly name: string;
  readonly state: MemberView['state'];
  readonly address: string;
  readonly cluster: string | null;
  readonly region: string | null;
  readonly resources: readonly string[];
  readonly functions: readonly string[];
  /** Milliseconds in that state, in the eyes of the node that was asked. */
  readonly forMs: number;
  /** Whether it is the node that was asked, and whether that one has a link to it. */
  readonly self: boolean;
  readonly linked: boolean;
  readonly incarnation: number;
  /** 0 idle to 10 full. */
  readonly load: number | null;
  readonly version: string | null;
}

export function memberDocument(member: MemberView): MemberDocument {
  const { record } = member;
  return {
    id: member.id,
    name: member.name,
    state: member.state,
    address: member.address,
    cluster: record?.cluster ?? null,
    region: record?.region ?? null,
    resources: record?.resources ?? [],
    functions: (record?.functions ?? []).map(({ name }) => name),
    forMs: member.forMs,
    self: member.self,
    linked: member.linked,
    incarnation: member.incarnation,
    load: record?.load ?? null,
    version: record?.software ?? null,
  };
}

/** By name, then id, so that two listings can be compared. */
export function memberDocuments(members: readonly MemberView[]): MemberDocument[] {
  const order = (a: MemberDocument, b: MemberDocument): number =>
    a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1;
  return members.map(memberDocument).sort(order);
}

const STYLES: Readonly<Partial<Record<MemberView['state'], Style>>> = {
  alive: 'green',
  dead: 'red',
  draining: 'cyan',
  left: 'dim',
  suspect: 'yellow',
};

export function memberTable(rows: readonly MemberDocument[]): Table<MemberDocument> {
  return {
    columns: [
      { name: 'name', style: (row) => (row.self ? 'bold' : undefined), value: (row) => row.name },
      { name: 'state', style: (row) => STYLES[row.state], value: (row) => row.state },
      { align: 'right', name: 'for', value: (row) => formatDuration(row.forMs) },
      { name: 'address', value: (row) => row.address },
      { name: 'region', value: (row) => row.region ?? '' },
      { name: 'resources', value: (row) => row.resources.join(',') },
      { align: 'right', name: 'functions', value: (row) => String(row.functions.length) },
      { name: 'id', style: () => 'dim', value: (row) => row.id },
    ],
    empty: 'There are no members.',
    rows,
  };
}

/** `3 alive, 1 suspect`. */
export function countStates(rows: readonly MemberDocument[]): string {
  const counts = new Map<string, number>();
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}
