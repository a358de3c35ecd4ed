/** Members as a node would tell of them. */
import type { MemberView, NodeRecord } from '../../src/engine/index.ts';
import { initialModel, type Model, update } from '../../src/tui/model.ts';

type About = Partial<Omit<MemberView, 'record'>> & { readonly record?: Partial<NodeRecord> };

export function member(name: string, { record, ...about }: About = {}): MemberView {
  return {
    address: `ws://10.0.0.1:${7400 + name.length}`,
    forMs: 61_000,
    id: `id-${name}`,
    incarnation: 7,
    linked: true,
    name,
    record: {
      addresses: [],
      cluster: 'weather',
      functions: [],
      id: `id-${name}`,
      load: 3,
      name,
      resources: [],
      software: '0.1.0',
      state: 'active',
      version: 1,
      ...record,
    },
    self: false,
    state: 'alive',
    ...about,
  };
}

/** Asked at time 1000. */
export function seeing(...members: readonly MemberView[]): Model {
  return update(initialModel('alpha', 'ws://10.0.0.1:7405'), { kind: 'seen', sight: { at: 1000, members } });
}
